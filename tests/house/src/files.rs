//! The files of the repository.

use std::path::{Path, PathBuf};

/// Folders that hold no sources of this project: built, downloaded, or of the version control.
const SKIPPED: [&str; 3] = ["target", "node_modules", "__pycache__"];

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the repository is there")
}

/// All files, relative to the root, sorted. Hidden folders other than `.ci` are left out.
#[must_use]
pub fn all() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            let hidden = name.starts_with('.') && name != ".ci";
            if path.is_dir() {
                if !hidden && !SKIPPED.contains(&name) {
                    walk(&path, found);
                }
            } else if !hidden && path.is_file() {
                found.push(path);
            }
        }
    }
    let root = root();
    let mut found = Vec::new();
    walk(&root, &mut found);
    let mut found: Vec<PathBuf> =
        found.iter().map(|path| path.strip_prefix(&root).expect("below the root").into()).collect();
    found.sort();
    found
}

/// The text of a file, given relative to the root.
///
/// # Panics
/// If the file cannot be read or is not UTF-8.
#[must_use]
pub fn read(path: &Path) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The ending of a file's name, or its whole name if it has none, such as `Makefile`.
#[must_use]
pub fn kind(path: &Path) -> &str {
    let name = path.extension().or_else(|| path.file_name());
    name.and_then(|n| n.to_str()).unwrap_or_default()
}

/// The first folder of a path relative to the root; a file in the root itself gives `.`.
#[must_use]
pub fn top_folder(path: &Path) -> &str {
    let mut parts = path.iter();
    match (parts.next(), parts.next()) {
        (Some(first), Some(_)) => first.to_str().unwrap_or_default(),
        _ => ".",
    }
}

/// Resolves `.` and `..` in a path without looking at the disk.
#[must_use]
pub fn normal(path: &Path) -> PathBuf {
    let mut parts: Vec<&std::ffi::OsStr> = Vec::new();
    for part in path {
        match part.to_str() {
            Some(".") => {}
            Some("..") if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.iter().collect()
}
