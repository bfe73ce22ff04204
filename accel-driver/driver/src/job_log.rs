//! Tells an observer of each job that left the rings, with the times that the driver saw.

use std::collections::VecDeque;
use std::fmt;
use std::time::Instant;

use lockstep_accel_abi::Descriptor;

use crate::Outcome;

/// A job that left the rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobReport {
    /// The number of the job, counted from 1 since the card was opened. A device process that was
    /// started for this card counts its jobs in the same way.
    pub number: u64,
    /// The command, with the tag and the flags that the driver set.
    pub descriptor: Descriptor,
    /// When the driver handed the job to the card.
    pub submitted: Instant,
    /// When the driver took the record, or gave the job up.
    pub ended: Instant,
    /// How the job ended. `None`: the card failed, and the job is lost.
    pub outcome: Option<Outcome>,
}

type Observer = Box<dyn FnMut(&JobReport) + Send>;

/// The jobs in the rings, while somebody observes them.
#[derive(Default)]
pub(crate) struct JobLog {
    /// Jobs that were handed to the card.
    submitted: u64,
    /// The jobs in the rings, the oldest first. It is empty without an observer.
    waiting: VecDeque<(u64, Descriptor, Instant)>,
    observer: Option<Observer>,
}

impl JobLog {
    pub(crate) fn observe(&mut self, observer: Observer) {
        self.observer = Some(observer);
    }

    /// A job was handed to the card.
    pub(crate) fn submitted(&mut self, job: Descriptor, now: Instant) {
        self.submitted += 1;
        if self.observer.is_some() {
            self.waiting.push_back((self.submitted, job, now));
        }
    }

    /// The oldest job ended.
    pub(crate) fn ended(&mut self, outcome: Outcome, now: Instant) {
        self.tell(Some(outcome), now);
    }

    /// All jobs in the rings are lost.
    pub(crate) fn lost(&mut self, now: Instant) {
        while !self.waiting.is_empty() {
            self.tell(None, now);
        }
    }

    fn tell(&mut self, outcome: Option<Outcome>, ended: Instant) {
        if let Some((number, descriptor, submitted)) = self.waiting.pop_front()
            && let Some(observer) = &mut self.observer
        {
            observer(&JobReport { number, descriptor, submitted, ended, outcome });
        }
    }
}

impl fmt::Debug for JobLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobLog").field("submitted", &self.submitted).finish_non_exhaustive()
    }
}
