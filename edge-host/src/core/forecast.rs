//! Whether a call can be answered in time: the arithmetic of admission, with no clock and no lock.

use std::time::Duration;

/// A call with at most so many tokens is light.
pub(crate) const LIGHT: usize = 512;
/// The share of the daemon's room that heavy calls may fill. The rest is for light ones.
const HEAVY_SHARE: f64 = 0.8;
/// A light call is short, and its forecast rough: it may take so many times its deadline.
const LIGHT_EXCESS: f64 = 1.5;

/// A forecast that refuses a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The daemon is too busy; `after` is the time until it has room again.
    Busy { after: Duration },
    /// Even an idle daemon takes longer than the deadline. It computes `limit` tokens in time.
    TooLarge { limit: usize },
}

/// Decides about a call of `tokens` tokens that must be answered within `left`.
///
/// `waiting` has the tokens that each waiting call still needs, `rate` is the speed of all engines
/// together in tokens a second. Calls take turns, so until the new call ends each other call
/// advances by at most as many tokens as the new one has.
///
/// # Errors
/// The call would end after its deadline, or its tokens would fill the room that light calls have.
pub(crate) fn admit(tokens: usize, left: Duration, waiting: &[usize], rate: f64) -> Result<(), Refused> {
    let left = left.as_secs_f64();
    let seconds = |tokens: usize| tokens as f64 / rate.max(1.0);
    let most = if tokens <= LIGHT { LIGHT_EXCESS * left } else { left };
    if seconds(tokens) > most {
        return Err(Refused::TooLarge { limit: (rate * left) as usize });
    }
    let ahead: usize = waiting.iter().map(|&other| other.min(tokens)).sum();
    let all: usize = waiting.iter().sum();
    let room = if tokens <= LIGHT { left } else { HEAVY_SHARE * left };
    // An idle daemon takes every call that it can end in time.
    let late = if waiting.is_empty() { 0.0 } else { seconds(ahead + tokens) - left };
    let full = if waiting.is_empty() { 0.0 } else { seconds(all + tokens) - room };
    let excess = late.max(full);
    if excess > 0.0 {
        return Err(Refused::Busy { after: Duration::from_secs_f64(excess.min(seconds(all))) });
    }
    Ok(())
}

/// How many tokens one call may have, so that a daemon without heavier work answers it within
/// `left`. [`admit`] takes every call of so many tokens at the same `rate`, if nothing waits.
pub(crate) fn promise(left: Duration, rate: f64) -> usize {
    (HEAVY_SHARE * rate * left.as_secs_f64()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Duration = Duration::from_secs(10);
    const RATE: f64 = 4_000.0;

    #[test]
    fn a_promise_is_kept() {
        assert_eq!(promise(TEN, RATE), 32_000);
        assert_eq!(admit(promise(TEN, RATE), TEN, &[], RATE), Ok(()));
        assert_eq!(promise(Duration::ZERO, RATE), 0);
    }

    #[test]
    fn an_idle_daemon_takes_what_it_can_answer() {
        assert_eq!(admit(1, TEN, &[], RATE), Ok(()));
        assert_eq!(admit(40_000, TEN, &[], RATE), Ok(()));
        assert_eq!(admit(40_001, TEN, &[], RATE), Err(Refused::TooLarge { limit: 40_000 }));
        let tenth = Duration::from_millis(100);
        assert_eq!(admit(LIGHT, tenth, &[], RATE), Ok(()), "the forecast of a light call is rough");
        assert_eq!(admit(601, tenth, &[], RATE), Err(Refused::TooLarge { limit: 400 }));
    }

    #[test]
    fn heavy_calls_leave_room_for_light_ones() {
        assert_eq!(admit(16_000, TEN, &[16_000], RATE), Ok(()));
        let refused = admit(16_000, TEN, &[16_000, 16_000], RATE);
        assert_eq!(refused, Err(Refused::Busy { after: Duration::from_secs(4) }));
        assert_eq!(admit(LIGHT, TEN, &[16_000, 16_000], RATE), Ok(()));
        // Light calls alone can fill the daemon too.
        let many = [LIGHT; 78];
        assert_eq!(admit(16, TEN, &many, RATE), Ok(()));
        assert!(matches!(admit(100, TEN, &many, RATE), Err(Refused::Busy { .. })));
    }

    #[test]
    fn a_short_deadline_counts_the_calls_that_take_turns_with_it() {
        let second = Duration::from_secs(1);
        assert_eq!(admit(500, second, &[500; 7], RATE), Ok(()));
        assert!(matches!(admit(500, second, &[500; 8], RATE), Err(Refused::Busy { .. })));
    }
}
