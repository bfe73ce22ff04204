//! The kept tables of faults.

use crate::bench::Result;

/// The kept tables.
const KEPT: &str = include_str!("../FAULTS.md");

/// How the batches end after a fault, by column of the table that has this fault.
pub(crate) fn kept<const COLUMNS: usize>(fault: &str) -> Result<[&'static str; COLUMNS]> {
    let rows = KEPT.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let mut rows = rows.map(|row| row.split(" | ").collect::<Vec<_>>());
    let row = rows.find(|row| row[0] == fault).ok_or("FAULTS.md has no row")?;
    Ok(row[1..].try_into()?)
}

/// Compares how a batch ended with the table.
pub(crate) fn compare(ended: &str, kept: &str) -> Result<()> {
    print!(" {ended} |");
    if ended == kept { Ok(()) } else { Err(format!("{ended}, and in FAULTS.md {kept}").into()) }
}
