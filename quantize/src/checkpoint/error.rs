//! The errors of a checkpoint folder.

use std::path::{Path, PathBuf};

/// Why a checkpoint folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// A field of `config.json` is missing or has a value that is not supported.
    #[error("{path}: {reason}")]
    Config {
        /// The file.
        path: PathBuf,
        /// The field, its value and the values that are allowed.
        reason: String,
    },
    /// The file of weights is damaged, or of a kind that is not supported.
    #[error("{path}: {reason}")]
    Weights {
        /// The file.
        path: PathBuf,
        /// The problem, with the tensor or the operator.
        reason: String,
    },
    /// The file of weights lacks a tensor that the configuration requires.
    #[error("{path}: tensor {name} is missing{advice}")]
    Missing {
        /// The file, or the index of its parts.
        path: PathBuf,
        /// Its name without the prefix before `embeddings.`.
        name: String,
        /// What may have become of it; empty if nothing is known.
        advice: &'static str,
    },
    /// A tensor has another shape than the configuration requires.
    #[error("{path}: tensor {name} has shape {found:?}, config.json asks for {expected:?}")]
    Shape {
        /// The file, or the index of its parts.
        path: PathBuf,
        /// Its name.
        name: String,
        /// The shape in the file.
        found: Vec<usize>,
        /// The shape that the configuration requires.
        expected: Vec<usize>,
    },
    /// A weight is NaN or infinite.
    #[error("{path}: tensor {name}: element {index} is {value}")]
    NotFinite {
        /// The file, or the index of its parts.
        path: PathBuf,
        /// Its name.
        name: String,
        /// The index of the element in the flattened tensor.
        index: usize,
        /// The value.
        value: f32,
    },
}

/// Reads a whole file.
///
/// # Errors
/// [`CheckpointError::Read`] names the file.
pub fn read_file(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    std::fs::read(path).map_err(|source| CheckpointError::Read { path: path.into(), source })
}
