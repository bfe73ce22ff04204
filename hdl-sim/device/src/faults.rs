//! Faults that a card plays, so that a driver's recovery can be tested.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How late a late interrupt and a late record are.
pub const LATE: Duration = Duration::from_millis(200);
/// The exit code of a process that [`Fault::Death`] ends.
pub const DEATH: u8 = 86;

macro_rules! faults {
    ($($(#[doc = $doc:literal])+ $fault:ident = $name:literal),+ $(,)?) => {
        /// What goes wrong with a job.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault { $($(#[doc = $doc])+ $fault),+ }

        impl Fault {
            /// Every fault with its name.
            pub const ALL: &[(&str, Self)] = &[$(($name, Self::$fault)),+];
        }
    };
}

faults! {
    /// Its interrupt is never raised.
    LostInterrupt = "lost-interrupt",
    /// Its interrupt comes [`LATE`] behind its record.
    LateInterrupt = "late-interrupt",
    /// Its interrupt comes twice.
    DuplicateInterrupt = "duplicate-interrupt",
    /// Only a reset ends it; an abort has no effect.
    Hang = "hang",
    /// Before it the card falls off the bus: all registers read as ones until a reset of the
    /// function.
    AllOnes = "all-ones",
    /// Its record has a status that does not exist, and another tag.
    GarbledRecord = "garbled-record",
    /// Its record comes [`LATE`] late.
    LateRecord = "late-record",
    /// It ends with an error of host memory.
    DmaError = "dma-error",
    /// One bit of its results is wrong, and its record says that all is well.
    WrongResult = "wrong-result",
    /// Before it the process ends with the exit code [`DEATH`].
    Death = "death",
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(_, fault)| fault == self).map_or("", |(name, _)| name);
        f.write_str(name)
    }
}

/// Faults, each with its job. Jobs count from 1 since the card's start; a reset does not begin
/// anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(Vec<(Fault, u64)>);

impl Faults {
    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them is this one.
    #[must_use]
    pub fn have(&self, fault: Fault) -> bool {
        self.0.iter().any(|(one, _)| *one == fault)
    }

    /// The faults of a job.
    pub(crate) fn of(&self, job: u64) -> Vec<Fault> {
        self.0.iter().filter(|(_, at)| *at == job).map(|(fault, _)| *fault).collect()
    }
}

impl FromStr for Faults {
    type Err = String;

    /// Reads `FAULT@JOB`, several of them separated by commas.
    fn from_str(text: &str) -> Result<Self, String> {
        let one = |item: &str| {
            let (name, job) = item
                .split_once('@')
                .ok_or_else(|| format!("`{item}` names no job; write for example hang@3"))?;
            let fault = Fault::ALL.iter().find(|(known, _)| *known == name).map(|(_, fault)| *fault);
            let names = || Fault::ALL.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            let fault = fault.ok_or_else(|| format!("`{name}` is no fault; there are {}", names()))?;
            let job = job.parse().ok().filter(|&job| job > 0);
            let job = job.ok_or_else(|| format!("`{item}`: jobs count from 1"))?;
            Ok((fault, job))
        };
        text.split(',').map(one).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read() {
        let faults: Faults = "wrong-result@7,hang@12,death@7".parse().unwrap();
        assert_eq!(faults.of(7), [Fault::WrongResult, Fault::Death]);
        assert_eq!(faults.of(12), [Fault::Hang]);
        assert_eq!(faults.of(1), []);
        assert_eq!(Fault::AllOnes.to_string(), "all-ones");
    }

    #[test]
    fn what_is_wrong_with_a_list_is_named() {
        for (list, named) in [
            ("", "`` names no job"),
            ("hang", "`hang` names no job"),
            ("hang@0", "`hang@0`: jobs count from 1"),
            ("hang@x", "`hang@x`"),
            ("hang@1,", "`` names no job"),
            ("hung@1", "`hung` is no fault; there are lost-interrupt, late-interrupt"),
        ] {
            let error = list.parse::<Faults>().unwrap_err();
            assert!(error.contains(named), "{list}: {error}");
        }
    }
}
