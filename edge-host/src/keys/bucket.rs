//! A limit of requests a minute, as a bucket of tokens.

use std::time::{Duration, Instant};

/// A minute, in which a bucket fills once.
const MINUTE: f64 = 60.0;

/// Fills steadily, and is full at the start: a client may make the requests of a minute at once,
/// and then must wait until each has come back.
#[derive(Debug)]
pub(super) struct Bucket {
    /// Requests a minute.
    size: f64,
    /// Requests that may be made now; at most `size`.
    left: f64,
    /// When `left` was true.
    at: Instant,
}

impl Bucket {
    pub(super) fn new(requests_per_minute: u32, now: Instant) -> Self {
        let size = f64::from(requests_per_minute);
        Self { size, left: size, at: now }
    }

    /// Takes one request, or says how long to wait for it.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * self.size / MINUTE).min(self.size);
        self.at = self.at.max(now);
        if self.left >= 1.0 {
            self.left -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - self.left) * MINUTE / self.size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_fills_in_a_minute() {
        let begin = Instant::now();
        let after = |seconds: f64| begin + Duration::from_secs_f64(seconds);
        let mut bucket = Bucket::new(4, begin);
        for _ in 0..4 {
            assert_eq!(bucket.take(begin), Ok(()));
        }
        assert_eq!(bucket.take(begin), Err(Duration::from_secs(15)));
        assert_eq!(bucket.take(after(14.0)), Err(Duration::from_secs(1)));
        assert_eq!(bucket.take(after(15.5)), Ok(()));
        assert!(bucket.take(after(15.5)).is_err());
        // It holds no more than a minute's requests, and time never runs back.
        for _ in 0..4 {
            assert_eq!(bucket.take(after(1000.0)), Ok(()));
        }
        assert_eq!(bucket.take(after(900.0)), Err(Duration::from_secs(15)));
    }
}
