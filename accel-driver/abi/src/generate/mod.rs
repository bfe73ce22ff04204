//! The interface written out for others: a SystemVerilog package, and tables for people.
//!
//! Both are committed; `cargo run -p lockstep-accel-abi --bin lockstep-abi-generate` writes them anew, and a test compares.

mod markdown;
mod systemverilog;

pub use markdown::register_table;
pub use systemverilog::package;

use core::fmt::{self, Write};

/// Writes a CamelCase name as CAMEL_CASE.
fn screaming(out: &mut impl Write, name: &str) -> fmt::Result {
    for (i, c) in name.chars().enumerate() {
        if i > 0 && c.is_uppercase() {
            out.write_char('_')?;
        }
        out.write_char(c.to_ascii_uppercase())?;
    }
    Ok(())
}

/// Writes documentation as a table's cell: intra-doc links without their brackets.
fn plain(out: &mut impl Write, text: &str) -> fmt::Result {
    for c in text.trim().chars().filter(|c| !matches!(c, '[' | ']')) {
        out.write_char(c)?;
    }
    Ok(())
}
