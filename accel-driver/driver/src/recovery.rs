//! What the driver does when a card fails, as a table.
//!
//! [`step`] is a pure function. `queue.rs` executes the actions, and `supervisor.rs` counts.

/// The state of a card, as its driver sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CardState {
    /// The card takes jobs.
    Ready,
    /// The oldest job took too long, and the driver asked the card to abort it.
    Aborting,
    /// The driver reset the card and waits until the card is ready. Pending jobs are lost.
    Resetting,
    /// The card failed too often. The driver refuses jobs, keeps the bus master off, and tries the
    /// card again after a pause.
    Fenced,
    /// All registers read as ones, the transport failed, or the system recalls the card. The
    /// driver does not touch the card until the caller opens it again.
    Gone,
}

impl CardState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Ready, Self::Aborting, Self::Resetting, Self::Fenced, Self::Gone];
}

/// Why a card may change its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The oldest job is over its time.
    JobLate,
    /// The oldest job has its record.
    JobEnded,
    /// The job that should have been aborted did not end in time.
    AbortIgnored,
    /// The card halted, wrote an impossible record, or did not write what it should have written.
    Fault,
    /// The card is ready after a reset.
    ResetDone,
    /// The card is not ready in time after a reset, or the reset itself failed.
    ResetFailed,
    /// The pause of a fenced card is over.
    PauseOver,
    /// All registers read as ones, the transport failed, another card answers, or the system
    /// recalls the card.
    Vanished,
    /// The caller wants the card to be reset.
    Reopened,
}

/// What the driver must do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Nothing.
    Nothing,
    /// Ask the card to abort the oldest job.
    Abort,
    /// Give up all pending jobs, and reset the card.
    Reset,
    /// Give up all pending jobs, switch the bus master off, and wait for a pause.
    Fence,
    /// Give up all pending jobs, and touch the card no more.
    Close,
}

/// The state after an event, and the action that belongs to it. `tries_left` says whether the card
/// may be reset once more before it is fenced.
pub(crate) const fn step(state: CardState, cause: Cause, tries_left: bool) -> (CardState, Action) {
    use CardState::{Aborting, Fenced, Gone, Ready, Resetting};
    let failed = if tries_left { (Resetting, Action::Reset) } else { (Fenced, Action::Fence) };
    match (state, cause) {
        (Ready, Cause::JobLate) => (Aborting, Action::Abort),
        (Aborting, Cause::JobEnded) => (Ready, Action::Nothing),
        (Ready | Aborting, Cause::Fault) | (Aborting, Cause::AbortIgnored) => failed,
        (Resetting, Cause::ResetDone) => (Ready, Action::Nothing),
        (Resetting, Cause::ResetFailed) => failed,
        (Fenced, Cause::PauseOver) => (Resetting, Action::Reset),
        (Ready | Aborting | Resetting | Fenced, Cause::Vanished) => (Gone, Action::Close),
        (_, Cause::Reopened) => (Resetting, Action::Reset),
        // An event of an earlier state, which came too late.
        (state, _) => (state, Action::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::CardState::{Aborting, Fenced, Gone, Ready, Resetting};
    use super::{Action, CardState, Cause, step};

    const CAUSES: [Cause; 9] = [
        Cause::JobLate,
        Cause::JobEnded,
        Cause::AbortIgnored,
        Cause::Fault,
        Cause::ResetDone,
        Cause::ResetFailed,
        Cause::PauseOver,
        Cause::Vanished,
        Cause::Reopened,
    ];

    /// One row for each state, one column for each cause in the order of `CAUSES`. `?` stands for a
    /// reset while tries are left, and for the fence afterwards; `.` changes nothing.
    const TABLE: [(CardState, &str); 5] = [
        (Ready, "abort . . ? . . . close reset"),
        (Aborting, ". ready ? ? . . . close reset"),
        (Resetting, ". . . . ready ? . close reset"),
        (Fenced, ". . . . . . reset close reset"),
        (Gone, ". . . . . . . . reset"),
    ];

    #[test]
    fn all_pairs_do_what_the_table_says() {
        for (state, row) in TABLE {
            let cells: Vec<&str> = row.split(' ').collect();
            assert_eq!(cells.len(), CAUSES.len());
            for (cause, cell) in CAUSES.into_iter().zip(cells) {
                for tries_left in [false, true] {
                    let expected = match (cell, tries_left) {
                        (".", _) => (state, Action::Nothing),
                        ("ready", _) => (Ready, Action::Nothing),
                        ("abort", _) => (Aborting, Action::Abort),
                        ("reset", _) | ("?", true) => (Resetting, Action::Reset),
                        ("?", false) => (Fenced, Action::Fence),
                        ("close", _) => (Gone, Action::Close),
                        other => panic!("{other:?}"),
                    };
                    assert_eq!(step(state, cause, tries_left), expected, "{state:?} {cause:?} {tries_left}");
                }
            }
        }
    }

    /// Whatever happens, a card without tries left comes to a state in which nothing is reset.
    #[test]
    fn failures_end() {
        for state in CardState::ALL {
            for cause in [Cause::Fault, Cause::AbortIgnored, Cause::ResetFailed, Cause::Vanished] {
                let (_, action) = step(state, cause, false);
                assert_ne!(action, Action::Reset, "{state:?} {cause:?}");
            }
        }
    }
}
