//! Section 2 of `SPEC.md`: declared ranges, checked when a model is opened.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

/// A parameter that is outside its declared range, or an array of the wrong length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeError {
    /// The parameter, for example `layer 3 feed-forward: weights[17]`.
    pub parameter: String,
    /// Its value.
    pub value: i64,
    /// The allowed values, for example `[-63, 63]`.
    pub allowed: String,
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, allowed: {}", self.parameter, self.value, self.allowed)
    }
}

impl core::error::Error for RangeError {}

/// Checks that a number is in `[lo, hi]`. `part` and `what` name the parameter.
///
/// # Errors
/// [`RangeError`] with the name of the parameter, if the number is not.
pub fn check(part: &str, what: &str, value: i64, lo: i64, hi: i64) -> Result<(), RangeError> {
    if (lo..=hi).contains(&value) {
        return Ok(());
    }
    Err(RangeError { parameter: format!("{part}: {what}"), value, allowed: format!("[{lo}, {hi}]") })
}

/// Checks that every number of an array is in `[lo, hi]`.
///
/// # Errors
/// [`RangeError`] with the name and index of the first number that is not.
pub fn check_all(
    part: &str,
    what: &str,
    values: impl Iterator<Item = i64>,
    lo: i64,
    hi: i64,
) -> Result<(), RangeError> {
    for (i, value) in values.enumerate() {
        if !(lo..=hi).contains(&value) {
            return check(part, &format!("{what}[{i}]"), value, lo, hi);
        }
    }
    Ok(())
}

/// Checks the length of an array.
///
/// # Errors
/// [`RangeError`] with the name of the array, if it has another length.
pub fn check_len(part: &str, what: &str, len: usize, expected: usize) -> Result<(), RangeError> {
    if len == expected {
        return Ok(());
    }
    Err(RangeError {
        parameter: format!("{part}: length of {what}"),
        value: len as i64,
        allowed: expected.to_string(),
    })
}
