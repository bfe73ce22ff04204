//! The engine's description of itself, for clients.

use hyper::header::HeaderValue;
use serde_json::Value;

/// The answer to `GET /info`, and the headers that the daemon takes from it. Every answer with
/// status 200 carries these headers.
#[derive(Debug)]
pub(crate) struct Info {
    /// JSON, as the engine gave it.
    pub(crate) body: Vec<u8>,
    /// Names and values of the headers. An engine that does not name its model or backend has none.
    pub(crate) headers: Vec<(&'static str, HeaderValue)>,
}

impl Info {
    /// Reads the body of the answer.
    pub(crate) fn new(body: Vec<u8>) -> Self {
        let fields: Value = serde_json::from_slice(&body).unwrap_or_default();
        let named = [("x-lockstep-model-digest", "model_digest"), ("x-lockstep-backend", "backend")];
        let header = |(header, field)| {
            let value = fields.get(field)?.as_str()?;
            Some((header, HeaderValue::from_str(value).ok()?))
        };
        Self { headers: named.into_iter().filter_map(header).collect(), body }
    }
}
