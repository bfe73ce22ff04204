//! The quantised encoder as an ONNX file: the format of `wasm-module/folder/FORMAT.md`.
//!
//! Every node belongs to the domain `lockstep`. The file itself defines these operators, as
//! model-local functions of standard operators. So ONNX Runtime runs the file without a plug-in,
//! and is an independent witness of the arithmetic.

mod functions;
pub mod proto;
mod writer;

pub use functions::functions_of;
pub use writer::{graph, write};
