//! How long the engines took.

use std::time::Duration;

/// The times of a request's calls of engines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Timing {
    /// From the calls to the first piece of work that an engine took.
    pub(crate) queued: Duration,
    /// From there to the last vector.
    pub(crate) ran: Duration,
    /// The engines that encoded texts, by name, each once.
    pub(crate) engines: Vec<String>,
}
