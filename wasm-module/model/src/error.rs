//! The errors of opening a model and of running a batch.

use lockstep_arith::encoder::InputError;
use lockstep_arith::range::RangeError;
use lockstep_folder::runtime::FileError;
use thiserror::Error;
use tract_core::prelude::TractError;

/// Why a model cannot be opened, or cannot run a batch.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The bytes are not a complete run-time file.
    #[error(transparent)]
    File(FileError),
    /// A parameter is outside the range that `SPEC.md` declares.
    #[error(transparent)]
    Range(#[from] RangeError),
    /// The model does not accept a sequence of the batch.
    #[error("sequence {index}: {source}")]
    Input {
        /// The index of the sequence in the batch.
        index: usize,
        /// The problem of the sequence.
        source: InputError,
    },
    /// tract could not plan or run the graph.
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
