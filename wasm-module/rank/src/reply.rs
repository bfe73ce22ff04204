//! What the service hands back.

use serde::Serialize;
use serde_json::json;

use crate::problem::Problem;

/// What a request cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens that went through the model.
    pub tokens: usize,
    /// Texts whose end was cut off.
    pub truncated: usize,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// JSON.
    pub body: String,
    /// What it cost; nothing where the request was refused.
    pub usage: Usage,
}

impl Reply {
    /// A refusal in text-embeddings-inference's shape.
    pub fn refusal(problem: &Problem) -> Self {
        let body = json!({ "error": problem.to_string(), "error_type": problem.error_type() });
        Self { status: problem.status(), body: body.to_string(), usage: Usage::default() }
    }
}

/// An answer as JSON, with what it cost.
pub(crate) fn written(answer: &impl Serialize, usage: Usage) -> Result<(String, Usage), Problem> {
    serde_json::to_string(answer)
        .map(|body| (body, usage))
        .map_err(|error| Problem::Backend(format!("the answer cannot be written: {error}")))
}
