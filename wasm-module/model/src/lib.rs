//! The quantised model: token ids in, pooled integers or logits out.
//!
//! `model.onnx` (see `FORMAT.md`) is checked node by node, parsed and planned by tract, and evaluated by the
//! fused operators of this crate: tract owns the graph, `lockstep_kernels` does the arithmetic of `SPEC.md`.
//! No result depends on the batch, the machine or its instruction set.

mod error;
mod format;
mod fused;
mod model;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod no_entropy;
mod steps;

pub use error::ModelError;
pub use lockstep_arith::encoder::InputError;
pub use model::{Model, Sequence};
