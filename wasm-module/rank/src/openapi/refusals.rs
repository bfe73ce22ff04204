//! The refusals, by status, with an example of each reason in the shape of each path.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value, json};

use crate::{
    problem::{Problem, quote},
    reply::Reply,
};

/// The shape of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `{"error", "error_type"}`, as text-embeddings-inference.
    Plain,
    /// `{"error": {"message", …}}`.
    OpenAi,
    /// `{"message", "error", "error_type"}`.
    Cohere,
}

impl Shape {
    pub(crate) const ALL: [Self; 3] = [Self::Plain, Self::OpenAi, Self::Cohere];

    /// The shape that a refusal has at a path.
    pub(crate) fn at(path: &str) -> Self {
        let body = body(&Problem::stopping(), path);
        if body["error"].is_object() {
            Self::OpenAi
        } else if body.get("message").is_some() {
            Self::Cohere
        } else {
            Self::Plain
        }
    }

    /// The name of its schema.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "Refusal",
            Self::OpenAi => "OpenAiRefusal",
            Self::Cohere => "CohereRefusal",
        }
    }

    /// A path whose refusals have this shape.
    const fn path(self) -> &'static str {
        match self {
            Self::Plain => "/embed",
            Self::OpenAi => "/v1/embeddings",
            Self::Cohere => "/v2/embed",
        }
    }

    pub(crate) fn schema(self) -> Value {
        let words: Vec<&str> = examples().iter().map(|(_, problem)| problem.error_type()).collect();
        let mut words: Vec<Value> = words.into_iter().map(Value::from).collect();
        words.sort_by_key(Value::to_string);
        words.dedup();
        let (text, word) = (json!({"type": "string"}), json!({"type": "string", "enum": words}));
        match self {
            Self::Plain => closed(&["error", "error_type"], json!({"error": text, "error_type": word})),
            Self::Cohere => closed(
                &["message", "error", "error_type"],
                json!({"message": text, "error": text, "error_type": word}),
            ),
            Self::OpenAi => {
                let lower = words.iter().filter_map(Value::as_str).map(str::to_ascii_lowercase);
                let code = json!({"type": "string", "enum": lower.collect::<Vec<_>>()});
                let param = json!({"type": ["string", "null"], "description": "The field that is wrong."});
                let error = closed(
                    &["message", "type", "param", "code"],
                    json!({"message": text, "type": text, "param": param, "code": code}),
                );
                closed(&["error"], json!({"error": error}))
            }
        }
    }

    /// The responses of each status, by the name that operations refer to.
    pub(crate) fn responses(self) -> Map<String, Value> {
        let mut by_status: BTreeMap<u16, Map<String, Value>> = BTreeMap::new();
        for (name, problem) in examples() {
            let example = json!({"value": body(&problem, self.path())});
            by_status.entry(problem.status()).or_default().insert(name.to_owned(), example);
        }
        let response = |(status, examples): (u16, Map<String, Value>)| {
            let schema = json!({"$ref": format!("#/components/schemas/{}", self.name())});
            let content = json!({"application/json": {"schema": schema, "examples": examples}});
            let response = json!({"description": meaning(status), "content": content});
            (self.response(status), response)
        };
        by_status.into_iter().map(response).collect()
    }

    /// The name of the response of a status.
    pub(crate) fn response(self, status: u16) -> String {
        format!("{}{status}", self.name())
    }
}

/// The statuses of the refusals that an operation may give. A request without a body is never too
/// large or malformed; only a path with parts may name what is not there.
pub(crate) fn statuses(has_body: bool, has_parts: bool) -> Vec<u16> {
    let mut all: Vec<u16> = examples().iter().map(|(_, problem)| problem.status()).collect();
    all.sort_unstable();
    all.dedup();
    // A described operation has the right method. Only a host says that something is gone.
    all.retain(|status| match status {
        405 | 410 => false,
        404 => has_parts,
        408 | 415 => has_body,
        413 | 422 => has_body || has_parts,
        424 => has_body || has_parts,
        _ => true,
    });
    all
}

fn body(problem: &Problem, path: &str) -> Value {
    serde_json::from_str(&Reply::refusal(problem).shaped_for(path).body).unwrap_or_default()
}

/// An object of exactly these fields.
fn closed(required: &[&str], properties: Value) -> Value {
    json!({
        "type": "object", "required": required, "properties": properties, "additionalProperties": false,
    })
}

/// A refusal of each kind, with a name.
fn examples() -> Vec<(&'static str, Problem)> {
    let second = Duration::from_secs(1);
    let all = [
        Problem::invalid("top_n", "expected a whole number from 1 to 2 (the number of candidates), got 7"),
        Problem::empty("inputs", "no texts; send at least one"),
        Problem::TooLarge { field: "inputs[3]".into(), amount: 70_000, unit: "bytes of text", limit: 65_536 },
        Problem::Tokenizer {
            field: "inputs[3]".into(), detail: "the tokenizer refuses the text: …".into()
        },
        Problem::NotFound { path: quote("/nowhere"), known: "/v1/rank, /embed, …".into() },
        Problem::NoModel { asked: quote("other"), known: "all-MiniLM-L6-v2".into() },
        Problem::NoItem(quote("a")),
        Problem::Gone("the changes since 3 are not kept any more".into()),
        Problem::Method { path: "/embed".into(), method: quote("GET"), allowed: "POST".into() },
        Problem::WrongModel {
            path: "/predict",
            needed: "a classifier",
            model: "all-MiniLM-L6-v2".into(),
            is: "an embedding model".into(),
        },
        Problem::Backend("the model failed".into()),
        Problem::BodyTooLarge { sent: "5000000".into(), limit: 4_194_304 },
        Problem::BodyTooSlow(10 * second),
        Problem::encoding("br", "gzip"),
        Problem::BodyBroken("the connection ended".into()),
        Problem::Head { header: "host", detail: "HTTP/1.1 wants one, there is none".into() },
        Problem::Unauthorized("the key is not known here".into()),
        Problem::Forbidden("the key me may not do this; it needs the scope `write`".into()),
        Problem::Overloaded {
            detail: "64 requests wait already; try again later".into(),
            retry_after: second,
        },
        Problem::Unhealthy("no instance of the module is ready yet".into()),
        Problem::Deadline(10 * second),
    ];
    all.into_iter().map(|problem| (name(&problem), problem)).collect()
}

/// The name of a kind. A new kind does not compile before it has one, and an example above.
fn name(problem: &Problem) -> &'static str {
    match problem {
        Problem::Invalid { .. } => "invalid",
        Problem::Empty { .. } => "empty",
        Problem::TooLarge { .. } => "too_large",
        Problem::Tokenizer { .. } => "tokenizer",
        Problem::NotFound { .. } => "no_path",
        Problem::NoModel { .. } => "no_model",
        Problem::NoItem(_) => "no_item",
        Problem::Gone(_) => "gone",
        Problem::Method { .. } => "method",
        Problem::WrongModel { .. } => "wrong_model",
        Problem::Backend(_) => "backend",
        Problem::BodyTooLarge { .. } => "body_too_large",
        Problem::BodyTooSlow(_) => "body_too_slow",
        Problem::Encoding { .. } => "encoding",
        Problem::BodyBroken(_) => "body_broken",
        Problem::Head { .. } => "head",
        Problem::Unauthorized(_) => "unauthorized",
        Problem::Forbidden(_) => "forbidden",
        Problem::Overloaded { .. } => "overloaded",
        Problem::Unhealthy(_) => "unhealthy",
        Problem::Deadline(_) => "deadline",
    }
}

fn meaning(status: u16) -> &'static str {
    match status {
        400 => "Something is empty, or the request is not valid HTTP.",
        401 => "The daemon wants a key.",
        403 => "The key, the page or the name of the host may not do this.",
        404 => "There is no such path, model or item.",
        405 => "The path takes another method.",
        410 => "The host does not have any more what the request goes on from.",
        408 => "The body did not arrive in time.",
        413 => "The request is larger than a limit.",
        415 => "The body is in a content coding that is not decoded.",
        422 => "A field is missing, unknown, of the wrong type or out of range.",
        424 => "The model failed, is of another kind, or the host does not keep what the request needs.",
        429 => "Too many requests wait; `Retry-After` says when to try again.",
        503 => "The daemon is not ready yet, or is stopping.",
        _ => "There was no answer within the time allowed.",
    }
}
