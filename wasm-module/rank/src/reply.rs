//! The answer that the service hands back to its host.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use crate::problem::Problem;

/// What a request cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens that went through the model, special tokens included.
    pub tokens: usize,
    /// Texts that were longer than the model's input, so that their end was cut off.
    pub truncated: usize,
}

/// An answer to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// JSON.
    pub body: String,
    /// What the request cost; zeros for a refusal.
    pub usage: Usage,
    /// How long a client should wait before it tries again, for the header `Retry-After`.
    pub retry_after: Option<Duration>,
}

impl Reply {
    /// A refusal: `{"error", "error_type"}`, the shape of text-embeddings-inference. This is the
    /// only code that writes a refusal, for the service and for its hosts.
    pub fn refusal(problem: &Problem) -> Self {
        let body = json!({ "error": problem.to_string(), "error_type": problem.error_type() });
        let retry_after = match problem {
            Problem::Overloaded { retry_after, .. } => Some(*retry_after),
            _ => None,
        };
        Self { status: problem.status(), body: body.to_string(), usage: Usage::default(), retry_after }
    }

    /// Status 200 with `answer` as JSON.
    pub(crate) fn answer(answer: &impl Serialize, usage: Usage) -> Result<Self, Problem> {
        serde_json::to_string(answer)
            .map(|body| Self { status: 200, body, usage, retry_after: None })
            .map_err(|error| Problem::Backend(format!("the answer cannot be written: {error}")))
    }
}

impl From<Problem> for Reply {
    fn from(problem: Problem) -> Self {
        Self::refusal(&problem)
    }
}
