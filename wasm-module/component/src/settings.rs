//! The variables of the application.

use spin_sdk::variables;

/// The value of a variable that is there and not empty.
///
/// # Errors
///
/// Spin's own error, with the variable's name.
pub(crate) async fn text(name: &str) -> Result<Option<String>, String> {
    match variables::get(name).await {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(variables::Error::Undefined(_)) => Ok(None),
        Err(error) => Err(format!("{name}: {error:?}")),
    }
}

/// The number in a variable, from `least` to `most`; `default` if the variable is empty or missing.
///
/// # Errors
///
/// Names the variable, its value and the range.
pub(crate) async fn number(name: &str, default: usize, least: usize, most: usize) -> Result<usize, String> {
    let Some(value) = text(name).await? else { return Ok(default) };
    match value.trim().parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("{name}: expected a whole number from {least} to {most}, got {value:?}")),
    }
}
