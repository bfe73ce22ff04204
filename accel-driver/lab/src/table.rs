//! Text in columns.

use std::fmt;

/// Writes rows in columns that are as wide as their widest cell. The last column is not filled up.
pub(crate) fn write(f: &mut fmt::Formatter<'_>, rows: &[Vec<String>]) -> fmt::Result {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max())
        .map(|width| width.unwrap_or(0))
        .collect();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line += &format!("{cell:<width$}  ");
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}

/// A row of cells.
pub(crate) fn row<const N: usize>(cells: [&dyn fmt::Display; N]) -> Vec<String> {
    cells.iter().map(ToString::to_string).collect()
}
