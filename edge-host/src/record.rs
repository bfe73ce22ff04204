//! The record of one answered request, for the log and the metrics.

use std::{fmt, sync::Arc, time::Duration};

use crate::core::timing::Timing;

/// What is known of a request when its answer is ready.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    /// The method, as the client sent it.
    pub(crate) method: String,
    /// The path without its query, as the client sent it.
    pub(crate) path: String,
    /// The name of the key with which the client asked.
    pub(crate) key: Option<Arc<str>>,
    /// The HTTP status of the answer.
    pub(crate) status: u16,
    /// From the request's head to its answer.
    pub(crate) took: Duration,
    /// The times of the engines; `None` for a request that asked none.
    pub(crate) timing: Option<Timing>,
    /// Tokens of the request's texts, special tokens included.
    pub(crate) tokens: usize,
    /// The word of text-embeddings-inference for a refusal.
    pub(crate) error_type: Option<&'static str>,
}

/// The request's line in the log.
impl fmt::Display for Record {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, path, key, status, took, tokens, .. } = self;
        write!(out, "{method} {path} {status} {:.3} ms", milliseconds(*took))?;
        match &self.timing {
            Some(Timing { queued, ran, .. }) => write!(
                out,
                ", queue {:.3}, inference {:.3}, tokens {tokens}",
                milliseconds(*queued),
                milliseconds(*ran)
            ),
            None => out.write_str(", queue -, inference -, tokens -"),
        }?;
        key.as_ref().map_or(Ok(()), |key| write!(out, ", key {key}"))
    }
}

/// A time in milliseconds.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
