//! The packages of the workspace, as Cargo reads them.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::files::root;

/// A package of the workspace.
#[derive(Clone, Debug)]
pub struct Package {
    /// Its name without `lockstep-`, such as `arith`.
    pub name: String,
    /// Its folder, relative to the root.
    pub folder: PathBuf,
    /// The root files of its libraries, programs, tests and examples, relative to the root.
    pub targets: Vec<PathBuf>,
    /// The packages of this workspace that it uses.
    pub dependencies: Vec<Dependency>,
}

/// A use of another package of this workspace.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// The other package's name without `lockstep-`.
    pub name: String,
    /// The other package's folder, relative to the root.
    pub folder: PathBuf,
    /// `normal`, `dev` or `build`.
    pub kind: String,
}

/// All packages, sorted by folder.
///
/// # Panics
/// If `cargo metadata` does not answer.
#[must_use]
pub fn packages() -> Vec<Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut packages: Vec<Package> = list(&metadata["packages"]).iter().map(package).collect();
    packages.sort_by(|a, b| a.folder.cmp(&b.folder));
    packages
}

fn package(value: &Value) -> Package {
    let manifest = relative(text(&value["manifest_path"]));
    let dependencies = list(&value["dependencies"]).iter().filter(|d| d["path"].is_string());
    Package {
        name: short(text(&value["name"])),
        folder: manifest.parent().expect("a manifest is in a folder").into(),
        targets: list(&value["targets"]).iter().map(|t| relative(text(&t["src_path"]))).collect(),
        dependencies: dependencies
            .map(|d| Dependency {
                name: short(text(&d["name"])),
                folder: relative(text(&d["path"])),
                kind: d["kind"].as_str().unwrap_or("normal").to_owned(),
            })
            .collect(),
    }
}

fn short(name: &str) -> String {
    name.strip_prefix("lockstep-").unwrap_or(name).to_owned()
}

fn relative(path: &str) -> PathBuf {
    Path::new(path).strip_prefix(root()).expect("below the root").into()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
