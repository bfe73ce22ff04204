//! The quantised model: token ids in, pooled integers or logits out.
//!
//! A `model.lockstep` (see `wasm-module/folder/FORMAT.md`) becomes a graph that tract plans and
//! runs. Each linear layer and each attention is one fused operator of the graph, and
//! `lockstep_kernels` does its arithmetic. No result depends on the batch, the machine or its
//! instruction set.

mod chunks;
mod error;
mod fused;
mod graph;
mod matrix;
mod model;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
mod no_entropy;
mod steps;
mod vectors;

pub use chunks::token_chunks;
pub use error::ModelError;
pub use lockstep_arith::encoder::{InputError, Sequence};
pub use lockstep_folder::runtime::{Buffer, FileError, Line};
pub use model::Model;
