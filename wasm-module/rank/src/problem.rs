//! Why a request is refused, and how that reads over HTTP.

use crate::encoder::EncodeError;

/// A refused request. `field` is a path such as `candidates[3].text`.
///
/// The vocabulary of `error_type` is text-embeddings-inference's, which its clients parse; it has
/// no word for an unknown path or method, so those are `Validation` too.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// 422 `Validation`: a field is missing, unknown, of the wrong type or out of range.
    #[error("{field}: {detail}")]
    Invalid {
        /// Where.
        field: String,
        /// What, with the value.
        detail: String,
    },
    /// 400 `Empty`: there is nothing to work on.
    #[error("{field}: {detail}")]
    Empty {
        /// Where.
        field: String,
        /// What, with the value.
        detail: String,
    },
    /// 413 `Validation`: more than [`Limits`](crate::Limits) allows.
    #[error("{field}: {amount} {unit}, the limit is {limit}")]
    TooLarge {
        /// Where.
        field: String,
        /// How much was sent.
        amount: usize,
        /// Of what.
        unit: &'static str,
        /// How much is allowed.
        limit: usize,
    },
    /// 422 `Tokenizer`: the tokenizer refuses a text.
    #[error("{field}: {detail}")]
    Tokenizer {
        /// Where.
        field: String,
        /// What the tokenizer says.
        detail: String,
    },
    /// 404 `Validation`: no such path.
    #[error("no such path: {path}; there are {known}")]
    NotFound {
        /// What was asked for, shortened.
        path: String,
        /// What exists.
        known: String,
    },
    /// 405 `Validation`: the path exists and takes another method.
    #[error("{path} takes {allowed}, not {method}")]
    Method {
        /// What was asked for.
        path: String,
        /// The method sent, shortened.
        method: String,
        /// The method it takes.
        allowed: &'static str,
    },
    /// 424 `Backend`: the model is of another kind than the path needs.
    #[error("{path} needs {needed}; {model} is {is}")]
    WrongModel {
        /// What was asked for.
        path: &'static str,
        /// The kind that would do.
        needed: &'static str,
        /// The model's name.
        model: String,
        /// The kind it is.
        is: String,
    },
    /// 424 `Backend`: the model failed.
    #[error("{0}")]
    Backend(String),
}

impl Problem {
    pub(crate) fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), detail: detail.into() }
    }

    pub(crate) fn empty(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Empty { field: field.into(), detail: detail.into() }
    }

    /// Puts the failing input's field name to the model's error.
    pub(crate) fn from_encoder(error: EncodeError, field: impl Fn(usize) -> String) -> Self {
        let detail = error.to_string();
        match error {
            EncodeError::Empty { index } => Self::empty(field(index), detail),
            EncodeError::Tokenizer { index, .. } => Self::Tokenizer { field: field(index), detail },
            EncodeError::Backend(_) => Self::Backend(detail),
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Empty { .. } => 400,
            Self::NotFound { .. } => 404,
            Self::Method { .. } => 405,
            Self::TooLarge { .. } => 413,
            Self::Invalid { .. } | Self::Tokenizer { .. } => 422,
            Self::WrongModel { .. } | Self::Backend(_) => 424,
        }
    }

    /// text-embeddings-inference's word for it.
    pub fn error_type(&self) -> &'static str {
        match self {
            Self::Empty { .. } => "Empty",
            Self::Tokenizer { .. } => "Tokenizer",
            Self::WrongModel { .. } | Self::Backend(_) => "Backend",
            Self::Invalid { .. } | Self::TooLarge { .. } | Self::NotFound { .. } | Self::Method { .. } => {
                "Validation"
            }
        }
    }
}

/// Characters of a value that an error message repeats.
const QUOTED: usize = 40;

/// A value for an error message: escaped, in quotation marks, cut after 40 characters.
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
