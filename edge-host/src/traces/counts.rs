//! What became of the spans.

use std::sync::atomic::{AtomicU64, Ordering};

/// The ends of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The collector took it.
    Sent,
    /// The queue was full.
    Dropped,
    /// The collector was away, or refused it.
    Failed,
}

impl Outcome {
    /// All of them, in the order of their numbers.
    pub(crate) const ALL: [Self; 3] = [Self::Sent, Self::Dropped, Self::Failed];

    /// The word in the metrics.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Dropped => "dropped",
            Self::Failed => "failed",
        }
    }
}

/// How many spans had each end.
#[derive(Debug, Default)]
pub(crate) struct Counts([AtomicU64; Outcome::ALL.len()]);

impl Counts {
    pub(super) fn add(&self, outcome: Outcome, spans: u64) {
        self.0[outcome as usize].fetch_add(spans, Ordering::Relaxed);
    }

    /// The number of spans with an end.
    pub(crate) fn of(&self, outcome: Outcome) -> u64 {
        self.0[outcome as usize].load(Ordering::Relaxed)
    }
}
