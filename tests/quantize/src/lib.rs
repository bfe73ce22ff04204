//! Tests of `quantize` on whole checkpoints. They need Python: `quantize/tools/make_tiny.py` makes
//! the checkpoints, and ONNX Runtime is a witness of the results.
//!
//! The library is a strict reader of the ONNX files that `quantize` writes. Only tests use it:
//! every runtime opens `model.lockstep`.

mod reader;

pub use reader::{ReadError, read};
