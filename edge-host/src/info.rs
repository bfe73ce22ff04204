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

    /// The digest of the model.
    pub(crate) fn model_digest(&self) -> String {
        self.value("x-lockstep-model-digest")
    }

    /// The value of a header; empty if there is no such header.
    pub(crate) fn value(&self, header: &str) -> String {
        let value = self.headers.iter().find(|(name, _)| *name == header).map(|(_, value)| value);
        value.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }
}
