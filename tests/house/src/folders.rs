//! Which top folder of the repository uses which.

use std::path::{Path, PathBuf};

use crate::comments;
use crate::files::{kind, normal, read, root, top_folder};
use crate::graph::Graph;
use crate::workspace::Package;

/// Sources whose code may name a file of another folder.
const KINDS: [&str; 7] = ["rs", "ts", "mjs", "js", "py", "sh", "html"];

/// The dependencies of packages, folded by top folder: of all kinds, `dev` and `build` included.
pub fn add_packages(graph: &mut Graph, packages: &[Package]) {
    for package in packages {
        for used in &package.dependencies {
            let example = format!("{} depends on {} ({})", package.name, used.name, used.kind);
            graph.add(first(&package.folder), first(&used.folder), &example);
        }
    }
}

fn first(folder: &Path) -> &str {
    folder.iter().next().and_then(|part| part.to_str()).unwrap_or(".")
}

/// Files of other folders that the code of a file names: by `#[path]`, `include_str!`, an import,
/// or a path in a string or a command. A path may be relative to the file, its package or the root.
///
/// A generated file says in its first lines from which folder; it is used by nobody as that
/// folder's output, so a generator may name it.
pub fn add_paths(graph: &mut Graph, packages: &[Package], files: &[PathBuf]) {
    for file in files.iter().filter(|file| KINDS.contains(&kind(file)) && top_folder(file) != ".") {
        let package =
            packages.iter().filter(|p| file.starts_with(&p.folder)).max_by_key(|p| p.folder.iter().count());
        let folders = [file.parent(), package.map(|p| p.folder.as_path()), Some(Path::new(""))];
        for line in comments::lines(kind(file), &read(file)) {
            for word in words(&line.code) {
                let named = folders.iter().flatten().map(|folder| normal(&folder.join(word)));
                for path in named.filter(|path| outside(path, file)) {
                    graph.add(
                        top_folder(file),
                        top_folder(&path),
                        &format!("{} names {word}", file.display()),
                    );
                }
            }
        }
    }
}

/// Words that can be a path: `hdl-sim/rtl/a.sv`, `/../b.rs`, `../c`.
fn words(code: &str) -> impl Iterator<Item = &str> {
    let parts = code.split(|c: char| !(c.is_ascii_alphanumeric() || "_-./".contains(c)));
    parts.map(|word| word.trim_start_matches('/')).filter(|word| word.contains('/'))
}

/// Whether a path is there, in another top folder than the file, and not generated from the file's.
fn outside(path: &Path, file: &Path) -> bool {
    let folder = top_folder(path);
    let inside = folder == "." || folder == ".." || folder == top_folder(file) || path.iter().count() < 2;
    if inside || folder.starts_with('.') || folder == "target" || !root().join(path).exists() {
        return false;
    }
    let text = std::fs::read_to_string(root().join(path)).unwrap_or_default();
    let made = format!("Generated from {}/", top_folder(file));
    !text.lines().take(3).any(|line| line.contains(&made))
}
