//! Faults, and the moments of a job at which they strike.

use std::fmt;

/// What goes wrong on the way between driver and card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Interrupts get lost until the driver connects them anew.
    LostInterrupts,
    /// All vectors are raised once without a reason.
    StrayInterrupts,
    /// The next doorbell does not reach the card.
    LostDoorbell,
    /// Another program resets the card.
    ForeignReset,
    /// Another program switches the card's bus master off.
    MasterOff,
    /// All registers read as ones until a reset.
    AllOnes,
    /// Each access to the card fails, until the way to the card is repaired.
    Broken,
    /// The host memory is unmapped, until it is mapped again.
    Unmapped,
    /// The system recalls the card.
    Recalled,
}

impl Fault {
    pub(crate) const ALL: [Self; 9] = [
        Self::LostInterrupts,
        Self::StrayInterrupts,
        Self::LostDoorbell,
        Self::ForeignReset,
        Self::MasterOff,
        Self::AllOnes,
        Self::Broken,
        Self::Unmapped,
        Self::Recalled,
    ];
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LostInterrupts => "interrupts get lost",
            Self::StrayInterrupts => "interrupts come without a reason",
            Self::LostDoorbell => "a doorbell gets lost",
            Self::ForeignReset => "another program resets the card",
            Self::MasterOff => "the bus master is switched off",
            Self::AllOnes => "all registers read as ones",
            Self::Broken => "each access fails",
            Self::Unmapped => "the host memory is unmapped",
            Self::Recalled => "the system recalls the card",
        })
    }
}

/// When a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The card has no job.
    Idle,
    /// The driver is about to ring the first doorbell of a batch.
    Submitting,
    /// The doorbell has just reached the card.
    Running,
    /// The driver has taken a record and is about to give its entry back.
    Completing,
}

impl Moment {
    /// Every moment, in the order of the table.
    pub const ALL: [Self; 4] = [Self::Idle, Self::Submitting, Self::Running, Self::Completing];
}
