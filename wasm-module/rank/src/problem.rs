//! The reasons to refuse a request, each with its HTTP status.

use std::time::Duration;

use crate::encoder::EncodeError;

/// A refused request, by the service or by the host around it. [`Reply::refusal`] writes the JSON.
///
/// The words of `error_type` are those of text-embeddings-inference, whose clients parse them. It
/// has no word for an unknown path or a wrong method, so these are `Validation` too.
///
/// A `field` is a path such as `candidates[3].text`.
///
/// [`Reply::refusal`]: crate::Reply::refusal
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// 422 `Validation`: a field is missing, unknown, of the wrong type or out of range.
    #[error("{field}: {detail}")]
    Invalid {
        /// The field.
        field: String,
        /// What is wrong, with the value.
        detail: String,
    },
    /// 400 `Empty`: a text, a list or an id is empty.
    #[error("{field}: {detail}")]
    Empty {
        /// The field.
        field: String,
        /// What is empty, with the value.
        detail: String,
    },
    /// 413 `Validation`: a field has more than [`Limits`](crate::Limits) allows.
    #[error("{field}: {amount} {unit}, the limit is {limit}")]
    TooLarge {
        /// The field.
        field: String,
        /// How much the client sent.
        amount: usize,
        /// The unit of `amount` and `limit`, for example `bytes`.
        unit: &'static str,
        /// How much is allowed.
        limit: usize,
    },
    /// 422 `Tokenizer`: the tokenizer refuses a text.
    #[error("{field}: {detail}")]
    Tokenizer {
        /// The field.
        field: String,
        /// The tokenizer's message.
        detail: String,
    },
    /// 404 `Validation`: there is no such path.
    #[error("no such path: {path}; there are {known}")]
    NotFound {
        /// The path, quoted and shortened.
        path: String,
        /// The paths that exist.
        known: String,
    },
    /// 404 `Validation`: the path names another model.
    #[error("no such model: {asked}; there is {known}")]
    NoModel {
        /// The name or the version, quoted and shortened.
        asked: String,
        /// The model's name.
        known: String,
    },
    /// 404 `Validation`: no item has this id.
    #[error("no such item: {0}")]
    NoItem(
        /// The id, quoted and shortened.
        String,
    ),
    /// 410 `Validation`, by a host: it does not have any more what the request goes on from.
    #[error("{0}")]
    Gone(String),
    /// 405 `Validation`: the path exists and takes another method.
    #[error("{path} takes {allowed}, not {method}")]
    Method {
        /// The path.
        path: String,
        /// The method that the client sent, quoted and shortened.
        method: String,
        /// The methods that the path takes.
        allowed: String,
    },
    /// 424 `Backend`: the path needs a model of another kind.
    #[error("{path} needs {needed}; {model} is {is}")]
    WrongModel {
        /// The path.
        path: &'static str,
        /// The kind of model that the path needs.
        needed: &'static str,
        /// The model's name.
        model: String,
        /// The model's kind.
        is: String,
    },
    /// 424 `Backend`: the model, or a store that the answer needs, failed.
    #[error("{0}")]
    Backend(String),
    /// 413 `Validation`, by a host: the body is too long, so the host stopped reading it.
    #[error("body: {sent} bytes, the limit is {limit}")]
    BodyTooLarge {
        /// How much the client sent or announced.
        sent: String,
        /// How much is allowed.
        limit: usize,
    },
    /// 408 `Validation`, by a host: the body did not arrive in time.
    #[error("body: not complete after {0:?}")]
    BodyTooSlow(Duration),
    /// 415 `Validation`, by a host: the body is in a content coding that the host cannot decode.
    #[error("content-encoding: expected {taken}, got {found}")]
    Encoding {
        /// The coding, quoted and shortened.
        found: String,
        /// The codings that the host decodes, as the header `Accept-Encoding` has them.
        taken: &'static str,
    },
    /// 400 `Validation`, by a host: the connection broke before the body's end.
    #[error("body: {0}")]
    BodyBroken(String),
    /// 400 `Validation`, by a host: HTTP forbids such a head.
    #[error("{header}: {detail}")]
    Head {
        /// The name of the header.
        header: &'static str,
        /// What is wrong, with the value.
        detail: String,
    },
    /// 401 `Unauthorized`, by a host: the request has no key, or one that the host does not know.
    #[error("{0}")]
    Unauthorized(String),
    /// 403 `Forbidden`, by a host: the key, the page or the name of the host may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// 429 `Overloaded`, by a host: too many requests wait, or write the same record.
    #[error("{detail}")]
    Overloaded {
        /// What there is too much of.
        detail: String,
        /// How long the client should wait before it tries again.
        retry_after: Duration,
    },
    /// 503 `Unhealthy`, by a host: it cannot answer requests yet, or any more.
    #[error("{0}")]
    Unhealthy(String),
    /// 504 `Backend`, by a host: there was no answer within the time allowed.
    #[error("no answer within {0:?}")]
    Deadline(Duration),
}

impl Problem {
    pub(crate) fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), detail: detail.into() }
    }

    pub(crate) fn empty(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Empty { field: field.into(), detail: detail.into() }
    }

    /// The model's error, with the name of the field that the failing input came from.
    pub(crate) fn from_encoder(error: EncodeError, field: impl Fn(usize) -> String) -> Self {
        let detail = error.to_string();
        match error {
            EncodeError::Empty { index } => Self::empty(field(index), detail),
            EncodeError::Tokenizer { index, .. } => Self::Tokenizer { field: field(index), detail },
            EncodeError::Backend(_) => Self::Backend(detail),
        }
    }

    /// The refusal of a host that is shutting down.
    pub fn stopping() -> Self {
        Self::Unhealthy("the daemon is shutting down".into())
    }

    /// The refusal of a host that keeps no items.
    pub fn no_items() -> Self {
        let detail = "no items are kept here; edge-host keeps them in the folder that --items names";
        Self::Backend(detail.into())
    }

    /// The refusal of a content coding that the host does not decode; see [`Self::Encoding`].
    pub fn encoding(found: &str, taken: &'static str) -> Self {
        Self::Encoding { found: quote(found), taken }
    }

    /// The refusal of a method that a path of the host does not take.
    pub fn method(path: &str, method: &str, allowed: &str) -> Self {
        Self::Method { path: path.to_owned(), method: quote(method), allowed: allowed.to_owned() }
    }

    /// The field of the request that is wrong, if it is one.
    pub(crate) fn field(&self) -> Option<&str> {
        match self {
            Self::Invalid { field, .. }
            | Self::Empty { field, .. }
            | Self::TooLarge { field, .. }
            | Self::Tokenizer { field, .. } => Some(field),
            _ => None,
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.kind().0
    }

    /// The word of text-embeddings-inference for this kind of refusal.
    pub fn error_type(&self) -> &'static str {
        self.kind().1
    }

    fn kind(&self) -> (u16, &'static str) {
        match self {
            Self::Empty { .. } => (400, "Empty"),
            Self::Head { .. } => (400, "Validation"),
            Self::BodyBroken(_) => (400, "Validation"),
            Self::Unauthorized(_) => (401, "Unauthorized"),
            Self::Forbidden(_) => (403, "Forbidden"),
            Self::NotFound { .. } | Self::NoModel { .. } | Self::NoItem(_) => (404, "Validation"),
            Self::Method { .. } => (405, "Validation"),
            Self::BodyTooSlow(_) => (408, "Validation"),
            Self::Gone(_) => (410, "Validation"),
            Self::TooLarge { .. } | Self::BodyTooLarge { .. } => (413, "Validation"),
            Self::Encoding { .. } => (415, "Validation"),
            Self::Invalid { .. } => (422, "Validation"),
            Self::Tokenizer { .. } => (422, "Tokenizer"),
            Self::WrongModel { .. } | Self::Backend(_) => (424, "Backend"),
            Self::Overloaded { .. } => (429, "Overloaded"),
            Self::Unhealthy(_) => (503, "Unhealthy"),
            Self::Deadline(_) => (504, "Backend"),
        }
    }
}

/// How many characters of a value an error message repeats.
const QUOTED: usize = 40;

/// A value for an error message: escaped, in quotation marks, and cut after 40 characters.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    quoted.extend(text.chars().take(QUOTED).flat_map(char::escape_debug));
    if text.chars().nth(QUOTED).is_some() {
        quoted.push('…');
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn a_quoted_value_is_escaped_and_short() {
        assert_eq!(quote("a\0\"\n"), r#""a\0\"\n""#);
        assert_eq!(quote(&"é".repeat(40)), format!("\"{}\"", "é".repeat(40)));
        assert_eq!(quote(&"é".repeat(41)), format!("\"{}…\"", "é".repeat(40)));
    }
}
