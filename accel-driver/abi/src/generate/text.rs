//! Names in the styles of the languages.

use core::fmt::{self, Write};

/// Writes a CamelCase name as CAMEL_CASE.
pub(super) fn screaming(out: &mut dyn Write, name: &str) -> fmt::Result {
    for (i, c) in name.chars().enumerate() {
        if i > 0 && c.is_uppercase() {
            out.write_char('_')?;
        }
        out.write_char(c.to_ascii_uppercase())?;
    }
    Ok(())
}

/// Writes documentation as a table's cell: intra-doc links without their brackets.
pub(super) fn plain(out: &mut dyn Write, text: &str) -> fmt::Result {
    for c in text.trim().chars().filter(|c| !matches!(c, '[' | ']')) {
        out.write_char(c)?;
    }
    Ok(())
}

/// Writes SCREAMING_CASE as ScreamingCase, the style of parameters.
pub(super) fn camel(out: &mut dyn Write, before: &str, name: &str) -> fmt::Result {
    out.write_str(before)?;
    for part in name.split('_') {
        for (i, c) in part.chars().enumerate() {
            out.write_char(if i == 0 { c } else { c.to_ascii_lowercase() })?;
        }
    }
    Ok(())
}
