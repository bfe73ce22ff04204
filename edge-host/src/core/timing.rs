//! How long the parts of a request took.

use std::time::{Duration, Instant};

/// The times of a request's calls of engines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Timing {
    /// Making tokens of texts.
    pub(crate) tokenized: Duration,
    /// From the calls to the first piece of work that an engine took.
    pub(crate) queued: Duration,
    /// From there to the last vector.
    pub(crate) ran: Duration,
    /// The engines that encoded texts, by name, each once.
    pub(crate) engines: Vec<String>,
}

impl Timing {
    /// Adds the times of another call.
    pub(super) fn add(&mut self, other: Self) {
        self.tokenized += other.tokenized;
        self.queued += other.queued;
        self.ran += other.ran;
        for engine in other.engines {
            if !self.engines.contains(&engine) {
                self.engines.push(engine);
            }
        }
    }
}

/// A part of a request, for its trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stage {
    pub(crate) name: &'static str,
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    /// The engine's call, if the stage is one.
    pub(crate) batch: Option<Share>,
}

/// A request's share of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Share {
    /// The engine's name.
    pub(crate) engine: String,
    pub(crate) is_card: bool,
    /// The request's texts in the batch, and their tokens.
    pub(crate) texts: usize,
    pub(crate) tokens: usize,
}

impl Stage {
    /// A stage that is no call of an engine.
    pub(crate) fn new(name: &'static str, began: Instant, ended: Instant) -> Self {
        Self { name, began, ended, batch: None }
    }
}
