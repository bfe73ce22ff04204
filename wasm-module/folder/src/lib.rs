//! The model folder that `quantize` writes and every runtime opens. `FORMAT.md` describes its
//! files.
//!
//! The names of the files are constants of this crate. [`manifest`] reads and checks
//! `lockstep.json`, and [`runtime`] writes and reads `model.lockstep`.

pub mod manifest;
mod names;
pub mod runtime;

pub use names::{MANIFEST, ONNX, RUNTIME, TOKENIZER};
