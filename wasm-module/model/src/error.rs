//! Why a model is not opened, or a batch not run.

use lockstep_arith::encoder::InputError;
use lockstep_arith::range::RangeError;
use thiserror::Error;
use tract_onnx::prelude::TractError;

/// Everything that can go wrong with a model.
#[derive(Debug, Error)]
pub enum ModelError {
    /// The bytes are not an ONNX file, or not all of one.
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

impl From<TractError> for ModelError {
    fn from(error: TractError) -> Self {
        match error.chain().find_map(|cause| cause.downcast_ref::<RangeError>()) {
            Some(range) => Self::Range(range.clone()),
            None => Self::Engine(format!("{error:#}")),
        }
    }
}
