//! The errors of reading a `model.onnx`.

use lockstep_arith::range::RangeError;
use thiserror::Error;

/// Why a file is not a `model.onnx` of Lockstep.
#[derive(Debug, Error)]
pub enum OnnxError {
    /// The bytes are not a complete ONNX file.
    #[error("not an ONNX file: {0}")]
    Decode(#[from] prost::DecodeError),
    /// The ONNX file differs from `FORMAT.md`.
    #[error("{part}: {problem}")]
    Format {
        /// The node, the initializer or another part of the file.
        part: String,
        /// The problem of that part.
        problem: String,
    },
    /// A parameter is outside the range that `SPEC.md` declares.
    #[error(transparent)]
    Range(#[from] RangeError),
}
