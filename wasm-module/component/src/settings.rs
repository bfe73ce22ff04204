//! The variables of the application.

use std::{
    cell::RefCell,
    collections::HashMap,
    time::{Duration, Instant},
};

use spin_sdk::variables;

/// How long a value is used before the variable is read again. While a request waits for a
/// variable, the instance runs a piece of another one.
const FRESH: Duration = Duration::from_secs(5);

/// A value, and when it was read.
type Read = (Option<String>, Instant);

thread_local! {
    static READ: RefCell<HashMap<String, Read>> = RefCell::default();
}

/// The value of a variable that is there and not empty. It may be up to five seconds old.
///
/// # Errors
///
/// Spin's own error, with the variable's name.
pub(crate) async fn text(name: &str) -> Result<Option<String>, String> {
    let known = READ.with_borrow(|known| known.get(name).cloned());
    if let Some((value, at)) = known
        && at.elapsed() < FRESH
    {
        return Ok(value);
    }
    let value = match variables::get(name).await {
        Ok(value) => Some(value).filter(|value| !value.is_empty()),
        Err(variables::Error::Undefined(_)) => None,
        Err(error) => return Err(format!("{name}: {error:?}")),
    };
    READ.with_borrow_mut(|known| known.insert(name.to_owned(), (value.clone(), Instant::now())));
    Ok(value)
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
