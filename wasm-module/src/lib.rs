//! The module: text in, scores out, without an operating system.
//!
//! ```text
//! JSON request -> rank (validation) -> tokenizer
//!   -> model (tract graph, fused integer operators) -> integers -> rank (scores) -> JSON answer
//! ```
//!
//! The same code is linked into native programs, and built as a WebAssembly module. `abi` describes
//! the exports of the module.

#[cfg(all(target_family = "wasm", feature = "abi"))]
mod abi;
pub mod batch;
#[cfg(not(target_family = "wasm"))]
mod check;
mod open_error;
mod text_model;
mod text_reader;

pub use lockstep_model::{Buffer, Line, Sequence, token_chunks};
pub use lockstep_tokenizer::Encoding;
pub use open_error::OpenError;
pub use text_model::TextModel;
pub use text_reader::TextReader;
