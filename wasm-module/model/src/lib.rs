//! The quantised model: token ids in, pooled integers or logits out.
//!
//! The parts of a `model.lockstep` (see `FORMAT.md`) become a graph that tract plans and runs, one fused operator a
//! linear layer or attention: tract owns the graph, `lockstep_kernels` does the arithmetic of `SPEC.md`.
//! No result depends on the batch, the machine or its instruction set.
//!
//! With the feature `onnx`, for tools and tests, the interchange file `model.onnx` is read too.

mod chunks;
mod error;
mod fused;
mod graph;
mod matrix;
mod model;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod no_entropy;
#[cfg(feature = "onnx")]
mod onnx;
mod steps;

pub use chunks::token_chunks;
pub use error::ModelError;
pub use lockstep_arith::encoder::{InputError, Sequence};
#[cfg(not(target_family = "wasm"))]
pub use lockstep_folder::runtime::map;
pub use lockstep_folder::runtime::{Buffer, FileError, Line};
pub use model::Model;
#[cfg(feature = "onnx")]
pub use onnx::pack_onnx;
