//! What the scheduler tells of its queue and its engines.

use prometheus_client::metrics::histogram::Histogram;

/// The queue and the engines at one moment.
#[derive(Debug)]
pub(crate) struct Report {
    /// Texts that no engine has taken yet.
    pub(crate) waiting_texts: usize,
    /// Their tokens.
    pub(crate) waiting_tokens: usize,
    /// Texts of each batch so far.
    pub(crate) batch_texts: Histogram,
    /// Tokens of each batch so far.
    pub(crate) batch_tokens: Histogram,
    /// One for each engine.
    pub(crate) seats: Vec<SeatReport>,
}

/// One engine.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SeatReport {
    /// The engine's name in answers and logs.
    pub(crate) name: String,
    pub(crate) is_card: bool,
    /// Whether the engine is open.
    pub(crate) is_up: bool,
    /// Measured tokens a second; 0 before the first batch.
    pub(crate) rate: f64,
    /// Batches that the engine encoded.
    pub(crate) batches: u64,
    /// Their texts.
    pub(crate) texts: u64,
    /// Their tokens.
    pub(crate) tokens: u64,
    /// Batches on which the engine failed.
    pub(crate) failures: u64,
}
