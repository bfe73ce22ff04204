//! The parts of a `tokenizer.json`, each of which has a type.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::TokenizerError;

/// The type of a part that has none.
pub(super) const UNTYPED: &str = "(none)";

/// The type of a part.
pub(super) fn kind_of(part: &Value) -> &str {
    part.get("type").and_then(Value::as_str).unwrap_or(UNTYPED)
}

/// The error of a part that this crate does not implement.
pub(super) fn unsupported(component: &'static str, kind: impl Into<String>) -> TokenizerError {
    TokenizerError::Unsupported { component, kind: kind.into() }
}

/// Reads the fields of a part.
pub(super) fn parse<T: DeserializeOwned>(part: &Value) -> Result<T, TokenizerError> {
    Ok(T::deserialize(part)?)
}
