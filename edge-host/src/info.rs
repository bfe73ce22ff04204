//! The engine's description of itself, for clients.

use hyper::header::HeaderValue;
use serde_json::Value;

/// The headers that the daemon takes from its first answer to `GET /info`. Every answer with status
/// 200 carries them.
#[derive(Debug)]
pub(crate) struct Info {
    /// Names and values of the headers. An engine that does not name its model or backend has none.
    pub(crate) headers: Vec<(&'static str, HeaderValue)>,
}

impl Info {
    /// Reads the body of the answer.
    pub(crate) fn new(body: &str) -> Self {
        let fields: Value = serde_json::from_str(body).unwrap_or_default();
        let named = [("x-lockstep-model-digest", "model_digest"), ("x-lockstep-backend", "backend")];
        let header = |(header, field)| {
            let value = fields.get(field)?.as_str()?;
            Some((header, HeaderValue::from_str(value).ok()?))
        };
        Self { headers: named.into_iter().filter_map(header).collect() }
    }
}
