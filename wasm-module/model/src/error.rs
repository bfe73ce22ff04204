//! Why a model is not opened, or a batch not run.

use lockstep_arith::encoder::InputError;
use lockstep_arith::range::RangeError;
use lockstep_folder::runtime::FileError;
use thiserror::Error;
use tract_core::prelude::TractError;

/// Everything that can go wrong with a model.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The bytes are not a run-time file, or not all of one.
    #[error(transparent)]
    File(FileError),
    /// The bytes are not an ONNX file, or not all of one.
    #[cfg(feature = "onnx")]
    #[error("not an ONNX file: {0}")]
    Decode(#[from] prost::DecodeError),
    /// An ONNX file, but not one of `FORMAT.md`.
    #[error("{part}: {problem}")]
    Format {
        /// The node, initializer or other part of the file.
        part: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A parameter lies outside the range that `SPEC.md` declares.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// A sequence of a batch is not one that the model takes.
    #[error("sequence {index}: {source}")]
    Input {
        /// Which sequence of the batch.
        index: usize,
        /// What is wrong with it.
        source: InputError,
    },
    /// tract did not plan or run the graph.
    #[error("tract: {0}")]
    Engine(String),
}

impl From<FileError> for ModelError {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Range(range) => Self::Range(range),
            error => Self::File(error),
        }
    }
}

impl From<TractError> for ModelError {
    fn from(error: TractError) -> Self {
        Self::Engine(format!("{error:#}"))
    }
}
