//! Lists of what is not mended yet, which can only shrink.

use std::collections::BTreeSet;

/// Compares what a test finds with the list of what is known: `found == listed`.
///
/// # Panics
/// If something new is found, or if a line of the list is mended and must go.
pub fn compare(what: &str, found: &BTreeSet<String>, listed: &[&str]) {
    let listed: BTreeSet<String> = listed.iter().map(|line| (*line).to_owned()).collect();
    let new: Vec<&String> = found.difference(&listed).collect();
    assert!(new.is_empty(), "{what}: new: {new:#?}");
    let mended: Vec<&String> = listed.difference(found).collect();
    assert!(mended.is_empty(), "{what}: mended, so delete the lines of the list: {mended:#?}");
}
