//! The record of one answered request, for the log and the metrics.

use std::{fmt, sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::core::timing::{Stage, Timing};

/// What is known of a request when its answer is ready.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    /// The request's id: the client's own, or a new one.
    pub(crate) id: String,
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
    /// The id of the trace; `None` if the request is not traced.
    pub(crate) trace: Option<String>,
    /// The parts of a traced request, in order.
    pub(crate) stages: Vec<Stage>,
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
        let Self { id, method, path, key, status, took, tokens, .. } = self;
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
        if let Some(key) = key {
            write!(out, ", key {key}")?;
        }
        write!(out, ", id {id}")
    }
}

impl Record {
    /// The same as an object of a log in JSON. Times are in milliseconds.
    pub(crate) fn json(&self) -> Value {
        let Self { id, method, path, key, status, tokens, error_type, .. } = self;
        let mut fields = json!({
            "id": id, "method": method, "path": path, "status": status, "took_ms": milliseconds(self.took),
        });
        if let Some(Timing { queued, ran, engines, .. }) = &self.timing {
            fields["queue_ms"] = json!(milliseconds(*queued));
            fields["inference_ms"] = json!(milliseconds(*ran));
            fields["tokens"] = json!(tokens);
            fields["engines"] = json!(engines);
        }
        if let Some(key) = key {
            fields["key"] = json!(**key);
        }
        if let Some(trace) = &self.trace {
            fields["trace_id"] = json!(trace);
        }
        if let Some(error_type) = error_type {
            fields["error_type"] = json!(error_type);
        }
        fields
    }
}

/// A time in milliseconds.
pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
