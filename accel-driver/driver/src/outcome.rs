//! How a job ended.

use lockstep_accel_abi::codes::NO_TAG;
use lockstep_accel_abi::{Completion, Status};

use crate::Error;

/// How a job ended, as the card reported it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Tag that the driver gave the job.
    pub tag: u16,
    /// Whether the job succeeded, and if not, why.
    pub status: Status,
    /// Address at which a failed job failed; else 0.
    pub address: u64,
    /// The engine's own error code; 0 without an error of the engine.
    pub detail: u32,
    /// Clock cycles from the start of the job to its end.
    pub cycles: u64,
    /// How many of these cycles the array computed for this job.
    pub array_busy: u32,
}

impl Outcome {
    /// Decodes the record of the job with tag `tag`. A record whose descriptor the card could not
    /// read has the tag [`NO_TAG`].
    ///
    /// # Errors
    /// The reason why the record is impossible: another tag, or a status that does not exist.
    pub(crate) fn decode(record: &Completion, tag: u16) -> Result<Self, String> {
        if record.tag != tag && record.tag != NO_TAG {
            return Err(format!("its tag is {}, the oldest job's is {tag}", record.tag));
        }
        let status = record.outcome().map_err(|status| format!("there is no status {status}"))?;
        let Completion { address, detail, cycles, array_busy, .. } = *record;
        Ok(Self { tag, status, address, detail, cycles, array_busy })
    }

    /// Turns every status but [`Status::Ok`] into an error.
    ///
    /// # Errors
    /// [`Error::Job`] with the status, the address and the detail.
    pub fn success(&self) -> Result<(), Error> {
        let Self { tag, status, address, detail, .. } = *self;
        if status == Status::Ok { Ok(()) } else { Err(Error::Job { tag, status, address, detail }) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use lockstep_accel_abi::codes::NO_TAG;
    use lockstep_accel_abi::{Completion, Status};

    use super::Outcome;

    /// Every status byte, and tags beside the right one.
    #[test]
    fn a_record_is_an_outcome_or_impossible() {
        let mut known = 0;
        for status in 0..=u8::MAX {
            let record = Completion { tag: 5, status, detail: 7, ..Completion::default() };
            match Outcome::decode(&record, 5) {
                Ok(outcome) => {
                    assert_eq!((outcome.tag, outcome.status as u8, outcome.detail), (5, status, 7));
                    assert_eq!(outcome.success().is_ok(), outcome.status == Status::Ok);
                    known += 1;
                }
                Err(why) => assert_eq!(why, format!("there is no status {status}")),
            }
        }
        assert_eq!(known, 16);
        let of = |tag| Outcome::decode(&Completion { tag, ..Completion::default() }, 5);
        assert_eq!(of(NO_TAG).unwrap().tag, 5, "a descriptor that the card could not read");
        assert_eq!(of(4).unwrap_err(), "its tag is 4, the oldest job's is 5");
    }
}
