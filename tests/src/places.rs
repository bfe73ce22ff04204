//! Paths of the files that `make` prepares.

use std::path::{Path, PathBuf};

/// The root of the repository.
#[must_use]
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn place(variable: &str, default: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(|| workspace().join(default), PathBuf::from)
}

/// The quantised real model.
#[must_use]
pub fn real_model() -> PathBuf {
    place("LOCKSTEP_MODEL", ".cache/models/all-MiniLM-L6-v2")
}

/// The quantised tiny model.
#[must_use]
pub fn tiny_model() -> PathBuf {
    place("LOCKSTEP_TINY", ".cache/tiny").join("model")
}

/// The float checkpoint of the tiny model.
#[must_use]
pub fn tiny_checkpoint() -> PathBuf {
    place("LOCKSTEP_TINY", ".cache/tiny").join("checkpoint")
}

/// A WebAssembly module: `strict` or `relaxed`.
#[must_use]
pub fn module(kind: &str) -> PathBuf {
    place("LOCKSTEP_MODULES", "target/modules").join(format!("lockstep-{kind}.wasm"))
}

/// The Spin component with a model in it: `tiny` or `real`.
#[must_use]
pub fn component(model: &str) -> PathBuf {
    place("LOCKSTEP_MODULES", "target/modules").join(format!("lockstep-component-{model}.wasm"))
}

/// The Spin component without a model.
#[must_use]
pub fn component_without_model() -> PathBuf {
    place("LOCKSTEP_MODULES", "target/modules").join("component.wasm")
}

/// The folder where tests keep compiled modules.
#[must_use]
pub fn compiled() -> PathBuf {
    place("LOCKSTEP_MODULES", "target/modules").join("compiled")
}

/// Python with the packages of `quantize/requirements.txt`.
#[must_use]
pub fn python() -> PathBuf {
    place("LOCKSTEP_PYTHON", ".venv/bin/python")
}

/// Panics if the path does not exist, and names the command that makes it.
pub fn need(path: &Path) {
    assert!(path.exists(), "{} is missing: run the tests by `make test`", path.display());
}
