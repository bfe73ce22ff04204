//! What the documents say is so: links and paths lead somewhere, the tree is the tree on disk.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lockstep_house::files::{all, kind, normal, read, root};
use lockstep_house::markdown::{ends_with, first_block, links, paths, table};
use lockstep_house::workspace::packages;

fn documents() -> Vec<PathBuf> {
    all().into_iter().filter(|file| kind(file) == "md").collect()
}

#[test]
fn links_lead_somewhere() {
    let mut dead = Vec::new();
    for document in documents() {
        let folder = document.parent().unwrap_or(Path::new(""));
        for link in links(&read(&document)) {
            if !root().join(folder).join(&link).exists() {
                dead.push(format!("{} links to {link}", document.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

/// A path may be given from the root, from the document, or by its last parts.
#[test]
fn paths_between_back_ticks_exist() {
    let files: Vec<String> = all().iter().map(|file| file.display().to_string()).collect();
    let folders: BTreeSet<String> = files
        .iter()
        .flat_map(|file| Path::new(file).ancestors().skip(1).map(|f| f.display().to_string()))
        .filter(|folder| !folder.is_empty())
        .collect();
    let top: Vec<String> = folders.iter().filter(|folder| !folder.contains('/')).cloned().collect();
    let mut dead = Vec::new();
    for document in documents() {
        let folder = document.parent().unwrap_or(Path::new(""));
        for path in paths(&read(&document), &top) {
            let beside = root().join(normal(&folder.join(&path))).exists();
            if !beside && !files.iter().chain(&folders).any(|known| ends_with(known, &path)) {
                dead.push(format!("{} names {path}", document.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

/// The first block of ARCHITECTURE.md lists the folder and the name of every package, and no folder
/// that is not there.
#[test]
fn the_tree_is_the_tree_on_disk() {
    let document = read(Path::new("ARCHITECTURE.md"));
    let mut listed = BTreeSet::new();
    let mut open: Vec<(usize, String)> = Vec::new();
    for line in first_block(&document).lines() {
        let indent = line.len() - line.trim_start().len();
        let mut words = line.split_whitespace();
        let Some(name) = words.next().and_then(|word| word.strip_suffix('/')) else { continue };
        open.retain(|(column, _)| *column < indent);
        let folder = open.last().map_or(name.to_owned(), |(_, above)| format!("{above}/{name}"));
        assert!(root().join(&folder).is_dir(), "ARCHITECTURE.md lists {folder}/, which is not there");
        if let Some(package) = words.next().and_then(|word| word.strip_prefix("lockstep-")) {
            // The façade's sources are in a folder of their own, its manifest above it.
            let folder = folder.strip_suffix("/src").unwrap_or(&folder).to_owned();
            listed.insert((folder, package.to_owned()));
        }
        open.push((indent, folder));
    }
    let found: BTreeSet<(String, String)> =
        packages().into_iter().map(|p| (p.folder.display().to_string(), p.name)).collect();
    assert_eq!(found, listed, "packages on disk, and as ARCHITECTURE.md lists them");
}

/// The table of crates in ARCHITECTURE.md has every package, and what it depends on outside tests.
#[test]
fn the_table_of_dependencies_is_that_of_the_manifests() {
    let document = read(Path::new("ARCHITECTURE.md"));
    let mut listed = BTreeSet::new();
    for row in table(&document, "| crate | depends on |") {
        let names = |cell: &str| -> BTreeSet<String> {
            cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
        };
        let used = names(row[1]).into_iter().collect::<Vec<_>>().join(" ");
        listed.extend(names(row[0]).into_iter().map(|user| (user, used.clone())));
    }
    let found: BTreeSet<(String, String)> = packages()
        .into_iter()
        .map(|package| {
            let normal = package.dependencies.iter().filter(|d| d.kind == "normal");
            let used: BTreeSet<&str> = normal.map(|d| d.name.as_str()).collect();
            (package.name, used.into_iter().collect::<Vec<_>>().join(" "))
        })
        .collect();
    assert_eq!(found, listed, "dependencies of the manifests, and as ARCHITECTURE.md lists them");
}
