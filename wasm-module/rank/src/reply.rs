//! The answer that the service hands back to its host.

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
    /// JSON, or JSON lines: see [`Self::media_type`].
    pub body: String,
    /// What the request cost; zeros for a refusal.
    pub usage: Usage,
    /// The reason, if this is a refusal.
    problem: Option<Box<Problem>>,
    /// Whether the body is a line of JSON for each line of the request.
    lines: bool,
}

impl Reply {
    /// Status 200 with a body in JSON.
    #[must_use]
    pub fn ok(body: String, usage: Usage) -> Self {
        Self { status: 200, body, usage, problem: None, lines: false }
    }

    /// Status 200 with a body of lines, each of them JSON.
    pub(crate) fn lines(body: String, usage: Usage) -> Self {
        Self { lines: true, ..Self::ok(body, usage) }
    }

    /// The media type of the body.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        if self.lines { "application/x-ndjson" } else { "application/json" }
    }

    /// A refusal: `{"error", "error_type"}`, the shape of text-embeddings-inference. This is the
    /// only code that writes a refusal, for the service and for its hosts.
    pub fn refusal(problem: &Problem) -> Self {
        let body = json!({ "error": problem.to_string(), "error_type": problem.error_type() });
        let (status, problem) = (problem.status(), Some(Box::new(problem.clone())));
        Self { status, body: body.to_string(), usage: Usage::default(), problem, lines: false }
    }

    /// The same reply in the shape that clients expect at a path. On OpenAI's paths a refusal is
    /// `{"error": {"message", "type", "param", "code"}}`; on Cohere's it has `message` too.
    #[must_use]
    pub fn shaped_for(mut self, path: &str) -> Self {
        let Some(problem) = self.problem.as_deref() else { return self };
        if is_of_openai(path) {
            let error = json!({
                "message": problem.to_string(),
                "type": match problem.status() {
                    401 => "authentication_error",
                    403 => "permission_error",
                    429 => "rate_limit_error",
                    424 | 500.. => "server_error",
                    _ => "invalid_request_error",
                },
                "param": problem.field(),
                "code": problem.error_type().to_ascii_lowercase(),
            });
            self.body = json!({ "error": error }).to_string();
        } else if is_of_cohere(path) {
            let message = problem.to_string();
            let body = json!({ "message": message, "error": message, "error_type": problem.error_type() });
            self.body = body.to_string();
        }
        self
    }

    /// The word for the reason of a refusal: `Validation`, `Empty`, `Tokenizer`, `Backend`,
    /// `Overloaded`, `Unhealthy`, `Unauthorized` or `Forbidden`.
    #[must_use]
    pub fn error_type(&self) -> Option<&'static str> {
        self.problem.as_deref().map(Problem::error_type)
    }

    /// Names and values of the headers that belong to a refusal: `WWW-Authenticate` of 401,
    /// `Retry-After` of 429, `Allow` of 405, `Accept-Encoding` of 415.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        match self.problem.as_deref() {
            Some(Problem::Overloaded { retry_after, .. }) => {
                // In seconds, rounded up.
                let seconds = retry_after.as_millis().div_ceil(1000).max(1);
                vec![("retry-after", seconds.to_string())]
            }
            Some(Problem::Method { allowed, .. }) => {
                vec![("allow", allowed.replace("GET", "GET, HEAD").replace(" or ", ", "))]
            }
            Some(Problem::Unauthorized(_)) => vec![("www-authenticate", "Bearer".to_owned())],
            Some(Problem::Encoding { taken, .. }) => vec![("accept-encoding", (*taken).to_owned())],
            _ => Vec::new(),
        }
    }

    /// Status 200 with `answer` as JSON.
    pub(crate) fn answer(answer: &impl Serialize, usage: Usage) -> Result<Self, Problem> {
        serde_json::to_string(answer)
            .map(|body| Self::ok(body, usage))
            .map_err(|error| Problem::Backend(format!("the answer cannot be written: {error}")))
    }
}

/// Whether Cohere's clients ask for this path.
fn is_of_cohere(path: &str) -> bool {
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    ["/v1/embed", "/v2/embed", "/v1/rerank", "/v2/rerank"].contains(&path)
}

/// Whether OpenAI's clients ask for this path. The paths that are not served are refused in the
/// shape that those clients read.
fn is_of_openai(path: &str) -> bool {
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let path = path.strip_prefix("/v1").unwrap_or(path);
    let first = path.split('/').nth(1).unwrap_or_default();
    ["embeddings", "models", "chat", "completions", "responses", "moderations"].contains(&first)
}

impl From<Problem> for Reply {
    fn from(problem: Problem) -> Self {
        Self::refusal(&problem)
    }
}
