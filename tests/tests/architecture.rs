//! ARCHITECTURE.md and SPEC.md against the sources.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lockstep_tests::places::workspace;

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Files below the workspace's crates with an ending, relative to the workspace.
fn files(ending: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, ending, found);
            } else if path.extension().is_some_and(|e| e == ending) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    for crate_folder in ["accel-driver", "hdl-sim", "wasm-module", "quantize", "edge-host", "tests"] {
        walk(&workspace().join(crate_folder), ending, &mut found);
    }
    found.iter().map(|f| f.strip_prefix(workspace()).unwrap().into()).collect()
}

#[test]
fn unsafe_code_has_the_addresses_that_are_listed() {
    let marker = ["allow(", "unsafe_code"].concat();
    let found: BTreeSet<String> = files("rs")
        .into_iter()
        .filter(|f| read(&workspace().join(f)).contains(&marker))
        .map(|f| f.to_str().unwrap().to_owned())
        .collect();
    let document = read(&workspace().join("ARCHITECTURE.md"));
    let table = document.split("| file with `unsafe` | why |").nth(1).unwrap();
    let listed: BTreeSet<String> = table
        .lines()
        .skip(1)
        .take_while(|l| l.is_empty() || l.starts_with('|'))
        .filter_map(|l| Some(l.split('`').nth(1)?.to_owned()))
        .collect();
    assert_eq!(found, listed);
}

/// The crates of this workspace that each may use, tests apart.
#[test]
fn dependencies_point_towards_the_arithmetic() {
    let allowed: BTreeMap<&str, &[&str]> = [
        ("accel-driver/abi", &[][..]),
        ("wasm-module/arith", &[]),
        ("wasm-module/kernels", &["arith"]),
        ("wasm-module/manifest", &[]),
        ("wasm-module/tokenizer", &[]),
        ("wasm-module/rank", &[]),
        ("wasm-module/file", &["arith", "kernels"]),
        ("wasm-module/model", &["arith", "file", "kernels"]),
        ("wasm-module", &["manifest", "model", "rank", "tokenizer"]),
        ("wasm-module/web", &["module", "rank"]),
        ("wasm-module/web/bindgen", &[]),
        ("quantize", &["arith", "file", "manifest", "tokenizer"]),
        ("edge-host", &["module", "rank"]),
        ("accel-driver/program", &["arith"]),
        ("accel-driver/memory", &[]),
        ("accel-driver/vfio-user", &["accel-memory"]),
        ("accel-driver/driver", &["accel-abi", "accel-memory", "accel-program", "arith", "vfio-user"]),
        ("hdl-sim/device", &["accel-abi", "hdl-sim", "vfio-user"]),
        ("tests/vm", &["accel-abi", "accel-driver", "arith"]),
        ("hdl-sim", &["accel-abi", "arith"]),
    ]
    .into();
    for (folder, allowed) in allowed {
        let manifest = read(&workspace().join(folder).join("Cargo.toml"));
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap_or_default();
        let dependencies = dependencies.split("\n[").next().unwrap();
        for line in dependencies.lines().filter(|l| l.starts_with("lockstep-")) {
            let name = line.trim_start_matches("lockstep-").split(['.', ' ', '=']).next().unwrap();
            assert!(allowed.contains(&name), "{folder} depends on {name}");
        }
    }
}

#[test]
fn every_equation_is_cited_where_it_is_computed() {
    let spec = read(&workspace().join("wasm-module/arith/SPEC.md"));
    let sources: String = files("rs")
        .iter()
        .filter(|f| f.starts_with("wasm-module/arith/src"))
        .map(|f| read(&workspace().join(f)))
        .collect();
    let cited = |n: usize| {
        sources.contains(&format!("({n})"))
            // A range such as "(12) to (17)" cites what lies between.
            || (1..n).any(|a| (n + 1..=34).any(|b| sources.contains(&format!("({a}) to ({b})"))))
    };
    for n in 1..=34 {
        assert!(spec.contains(&format!("({n})")), "SPEC.md has no equation ({n})");
        assert!(cited(n), "no code cites equation ({n})");
    }
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    for document in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"] {
        for link in read(&workspace().join(document)).split("](").skip(1) {
            let target = link.split(')').next().unwrap();
            if !target.contains("://") {
                assert!(workspace().join(target).exists(), "{document} links to {target}");
            }
        }
    }
}
