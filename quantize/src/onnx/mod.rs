//! The quantised encoder as an ONNX file: the format of `wasm-module/folder/FORMAT.md`.
//!
//! Every node is of the domain `lockstep`. What its operators compute is in the file itself, as model-local
//! functions of standard operators, so ONNX Runtime runs the file with no plug-in and is an independent
//! witness of the arithmetic.

mod functions;
pub(crate) mod proto;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use reader::{ReadError, read};
pub use writer::write;
