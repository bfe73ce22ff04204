//! Waits with a deadline.

use std::time::{Duration, Instant};

use lockstep_accel_vm::Result;

/// Only a hang takes this long.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Waits until something is so.
///
/// # Errors
/// It is not so within [`LIMIT`].
pub(crate) fn until(what: &str, reached: impl Fn() -> bool) -> Result<()> {
    let begin = Instant::now();
    while !reached() {
        if begin.elapsed() > LIMIT {
            return Err(format!("not within {LIMIT:?}: {what}").into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
