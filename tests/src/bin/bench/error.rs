//! Errors that end the bench.

/// A result whose error is only shown.
pub(crate) type Fallible<T> = Result<T, Box<dyn std::error::Error>>;
