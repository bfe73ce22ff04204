//! Samples of time, in milliseconds, and the table that shows them.

use std::{fmt, hint::black_box, time::Instant};

/// The head over rows of [`Times::row`].
pub const HEAD: &str = "milliseconds                                                  median     least";

/// What one thing took, each time that it was done.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<f64>);

impl Times {
    /// Does it once more.
    pub fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = black_box(work());
        self.0.push(started.elapsed().as_secs_f64() * 1e3);
        result
    }

    /// The median of them, NaN before the first.
    #[must_use]
    pub fn median(&self) -> f64 {
        median(&self.0)
    }

    /// A line of the table.
    #[must_use]
    pub fn row<'a>(&'a self, what: &'a str) -> impl fmt::Display + 'a {
        fmt::from_fn(move |f| {
            let least = self.0.iter().copied().fold(f64::NAN, f64::min);
            write!(f, "{what:<58} {:>9.3} {least:>9.3}", self.median())
        })
    }
}

/// The middle one of an odd number, the lower middle one of an even number, NaN of none.
#[must_use]
pub fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::{HEAD, Times, median};

    #[test]
    fn the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.0);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn columns_stand_under_their_heads() {
        let row = Times(vec![2.0, 1.0, 3.0]).row("a call").to_string();
        assert_eq!((row.len(), &row[58..]), (HEAD.len(), "     2.000     1.000"));
    }
}
