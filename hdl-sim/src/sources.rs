//! Finds the files of a module. Each file holds one module or package and has its name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::Error;

/// Folders with SystemVerilog: the design, and the wrappers that only benches or proofs use.
const FOLDERS: [&str; 3] = ["rtl", "bench", "formal"];

/// The folder of this crate.
#[must_use]
pub fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder with `rtl` and `bench`: that of this crate, or a copy that `LOCKSTEP_HDL_SOURCES`
/// names.
fn designs() -> PathBuf {
    std::env::var_os("LOCKSTEP_HDL_SOURCES").map_or_else(|| folder().into(), PathBuf::from)
}

/// The folder of the design's own modules.
#[must_use]
pub fn rtl() -> PathBuf {
    designs().join("rtl")
}

/// The files that `top` needs, in the order in which a compiler needs them: packages and instances
/// first, `top` last.
///
/// # Errors
/// There is no such module, or a file cannot be read.
pub fn of(top: &str) -> Result<Vec<PathBuf>, Error> {
    let mut known = BTreeMap::new();
    for part in FOLDERS {
        collect(&designs().join(part), &mut known)?;
    }
    if !known.contains_key(top) {
        return Err(Error::NoModule { module: top.into(), folder: designs() });
    }
    let mut found = Vec::new();
    visit(top, &mut known, &mut found)?;
    Ok(found)
}

/// All files of the design, sorted by name.
///
/// # Errors
/// A folder cannot be read.
pub fn all() -> Result<Vec<PathBuf>, Error> {
    let mut known = BTreeMap::new();
    collect(&rtl(), &mut known)?;
    Ok(known.into_values().collect())
}

fn collect(folder: &Path, known: &mut BTreeMap<String, PathBuf>) -> Result<(), Error> {
    if !folder.exists() {
        return Ok(());
    }
    for entry in std::fs::read_dir(folder).map_err(Error::file(folder))? {
        let path = entry.map_err(Error::file(folder))?.path();
        if path.is_dir() {
            collect(&path, known)?;
        } else if path.extension().is_some_and(|e| e == "sv" || e == "svh")
            && let Some(name) = path.file_stem().and_then(|s| s.to_str())
            && let Some(other) = known.insert(name.into(), path.clone())
        {
            return Err(Error::TwoModules { first: other, second: path });
        }
    }
    Ok(())
}

/// Visits a file after all files that it names. A visited name leaves `known`, so each file comes
/// once.
fn visit(name: &str, known: &mut BTreeMap<String, PathBuf>, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    let Some(path) = known.remove(name) else { return Ok(()) };
    let text = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
    for line in text.lines() {
        let code = line.split("//").next().unwrap_or_default();
        for word in code.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')) {
            visit(word, known, found)?;
        }
    }
    if path.extension().is_some_and(|e| e == "sv") {
        found.push(path);
    }
    Ok(())
}
