//! Samples of time in milliseconds, their table, and their report.

use std::{fmt, fs, hint::black_box, io, path::Path, time::Instant};

use serde_json::{Value, json};

/// The heading above the rows of [`Times::row`].
pub const HEAD: &str = "milliseconds                                                  median     least";

/// The duration of each call of one piece of work.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<f64>);

impl Times {
    /// Calls `work` once and records its duration.
    pub fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = black_box(work());
        self.0.push(started.elapsed().as_secs_f64() * 1e3);
        result
    }

    /// The median duration; NaN before the first call.
    #[must_use]
    pub fn median(&self) -> f64 {
        median(&self.0)
    }

    /// The shortest duration; NaN before the first call.
    #[must_use]
    pub fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::NAN, f64::min)
    }

    /// A line of the table.
    #[must_use]
    pub fn row<'a>(&'a self, what: &'a str) -> impl fmt::Display + 'a {
        fmt::from_fn(move |f| write!(f, "{what:<58} {:>9.3} {:>9.3}", self.median(), self.least()))
    }
}

/// Prints the table of `rows` (name, durations) and writes it to `report` as JSON, if a path is
/// given: `{"rows": [{"what", "median", "least"}]}`, in milliseconds. `tests/tools/results.py`
/// reads it.
///
/// # Errors
/// `report` or its folder cannot be written.
pub fn publish(rows: &[(&str, Times)], report: Option<&Path>) -> io::Result<()> {
    println!("{HEAD}");
    rows.iter().for_each(|(what, times)| println!("{}", times.row(what)));
    let Some(path) = report else { return Ok(()) };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let row = |(what, times): &(&str, Times)| {
        let (median, least) = (times.median(), times.least());
        json!({ "what": what, "median": median, "least": least })
    };
    let rows: Vec<Value> = rows.iter().map(row).collect();
    fs::write(path, json!({ "rows": rows }).to_string())
}

/// The middle sample of an odd number, the lower middle one of an even number, NaN if there is
/// none.
#[must_use]
pub fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::{HEAD, Times, median, publish};

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

    #[test]
    fn a_report_holds_every_row() {
        let folder = std::env::temp_dir().join(format!("lockstep-times-{}", std::process::id()));
        let path = folder.join("report.json");
        publish(&[("a call", Times(vec![2.0, 1.0, 3.0]))], Some(&path)).unwrap();
        let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        let expected = serde_json::json!({"rows": [{"what": "a call", "median": 2.0, "least": 1.0}]});
        assert_eq!(report, expected);
    }
}
