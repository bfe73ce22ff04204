//! Prints the table and writes the report.

use std::path::Path;

use serde_json::{Value, json};

use crate::{cases::Case, error::Fallible};

/// The result of an engine for a case.
pub(crate) struct Row {
    pub(crate) place: &'static str,
    pub(crate) engine: &'static str,
    pub(crate) batch: usize,
    pub(crate) n: usize,
    /// The median milliseconds of a call.
    pub(crate) ms: f64,
    /// 10^9 multiply-accumulates of the model per second.
    pub(crate) gmacs: f64,
    /// The part of the peak rate that this is, if the peak is known.
    pub(crate) share: Option<f64>,
}

/// All pairs of place and engine, sorted by place.
pub(crate) fn engines(rows: &[Row]) -> Vec<(&'static str, &'static str)> {
    let mut seen = Vec::new();
    for row in rows {
        if !seen.contains(&(row.place, row.engine)) {
            seen.push((row.place, row.engine));
        }
    }
    seen.sort_by_key(|(place, _)| *place);
    seen
}

/// Prints milliseconds by case, and how many times faster Lockstep is in the same place.
pub(crate) fn print(rows: &[Row], cases: &[Case]) {
    let of = |place: &str, engine: &str, case: &Case| {
        let mut rows = rows.iter();
        rows.find(|r| (r.place, r.engine, r.batch, r.n) == (place, engine, case.batch, case.n))
    };
    print!("{:<9} {:<16}", "where", "engine");
    cases.iter().for_each(|case| print!(" {:>9}", case.name()));
    println!("   GMAC/s of each case; percent of the peak; lockstep is faster by");
    for (place, engine) in engines(rows) {
        print!("{place:<9} {engine:<16}");
        cases
            .iter()
            .for_each(|case| print!(" {:>9.2}", of(place, engine, case).map_or(f64::NAN, |row| row.ms)));
        print!("  ");
        cases
            .iter()
            .for_each(|case| print!(" {:>5.0}", of(place, engine, case).map_or(f64::NAN, |row| row.gmacs)));
        print!("; ");
        for case in cases {
            match of(place, engine, case).and_then(|row| row.share) {
                Some(share) => print!(" {:>3.0}", 100.0 * share),
                None => print!("   -"),
            }
        }
        if engine == "lockstep" {
            println!(";  -");
            continue;
        }
        print!("; ");
        for case in cases {
            let ratio =
                of(place, engine, case).zip(of(place, "lockstep", case)).map(|(row, ours)| row.ms / ours.ms);
            print!(" {:>5.2}", ratio.unwrap_or(f64::NAN));
        }
        println!();
    }
}

/// Writes the rows as JSON.
pub(crate) fn write(rows: &[Row], out: &Path) -> Fallible<()> {
    let row = |r: &Row| {
        let (ms, gmacs, share) = (r.ms, r.gmacs, r.share);
        json!({
            "where": r.place, "engine": r.engine, "batch": r.batch, "n": r.n, "ms": ms, "gmacs": gmacs, "share_of_peak": share
        })
    };
    let rows: Vec<Value> = rows.iter().map(row).collect();
    std::fs::write(out, serde_json::to_vec_pretty(&json!({ "rows": rows }))?)?;
    println!("wrote {}", out.display());
    Ok(())
}
