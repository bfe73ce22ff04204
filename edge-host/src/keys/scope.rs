//! What a key may do, and what a request needs.

use std::fmt;

use hyper::Method;
use serde::Deserialize;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    /// Ask for scores, vectors, and the description of the model.
    Score,
    /// Change what the daemon keeps.
    Write,
    /// Read the metrics.
    Metrics,
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Score => "score",
            Self::Write => "write",
            Self::Metrics => "metrics",
        })
    }
}

/// The scope that a request needs; `None` if everybody may ask.
pub(crate) fn needed(method: &Method, path: &str) -> Option<Scope> {
    match (method.as_str(), path) {
        ("GET" | "HEAD", "/health" | "/ping" | "/" | "/v2/health/live" | "/v2/health/ready") => None,
        // The page tells nothing of the daemon; the document that it asks for needs a key.
        ("GET" | "HEAD", "/docs" | "/docs/page.js" | "/docs/page.css") => None,
        (_, "/metrics") => Some(Scope::Metrics),
        ("PUT" | "DELETE" | "PATCH", _) | ("POST", "/v1/items/bulk") => Some(Scope::Write),
        _ => Some(Scope::Score),
    }
}
