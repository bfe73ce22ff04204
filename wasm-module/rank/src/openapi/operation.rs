//! What an endpoint tells of itself.

use serde_json::Value;

use crate::{encoder::ModelInfo, limits::Limits};

/// An endpoint that tells what it takes and gives.
pub(crate) trait Described {
    /// The operation of the endpoint, with the model and the limits in force.
    fn describe(at: &Surroundings<'_>) -> Operation
    where
        Self: Sized;
}

/// What the schemas depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub(crate) model: &'a ModelInfo,
    pub(crate) limits: &'a Limits,
}

/// One operation.
pub(crate) struct Operation {
    /// The group under which pages list the operation.
    pub(crate) tag: &'static str,
    /// One line.
    pub(crate) summary: &'static str,
    /// Which part of the path each `{}` stands for, in order.
    pub(crate) parts: Vec<Part>,
    /// The body of a request; `None` for a request without one.
    pub(crate) request: Option<Body>,
    /// The body of an answer with status 200; `None` for a request that is always refused.
    pub(crate) answer: Option<Body>,
}

/// A part of a path.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) schema: Value,
    pub(crate) example: String,
}

/// A body.
pub(crate) struct Body {
    pub(crate) media_type: &'static str,
    pub(crate) schema: Value,
    /// Names and values. A body that is not JSON is a string.
    pub(crate) examples: Vec<(&'static str, Value)>,
}

impl Operation {
    /// The description of a request without a body.
    pub(crate) fn without_body(tag: &'static str, summary: &'static str, answer: Body) -> Self {
        Self { tag, summary, parts: Vec::new(), request: None, answer: Some(answer) }
    }

    /// The description of a request with a body.
    pub(crate) fn with_body(tag: &'static str, summary: &'static str, request: Body, answer: Body) -> Self {
        Self { request: Some(request), ..Self::without_body(tag, summary, answer) }
    }

    /// The same operation at a path with parts.
    pub(crate) fn of_parts(self, parts: Vec<Part>) -> Self {
        Self { parts, ..self }
    }
}

impl Body {
    /// A body in JSON.
    pub(crate) fn json(schema: Value, examples: Vec<(&'static str, Value)>) -> Self {
        Self { media_type: "application/json", schema, examples }
    }

    /// Lines of JSON.
    pub(crate) fn lines(schema: Value, examples: Vec<(&'static str, Value)>) -> Self {
        Self { media_type: "application/x-ndjson", schema, examples }
    }
}
