//! Quantizes a Hugging Face BERT checkpoint to the integers of `wasm-module/arith/SPEC.md`.
//!
//! ```text
//! checkpoint folder -> float weights -> teacher over calibration text
//!   -> equalise -> round with error feedback -> choose shifts and units -> integers -> model.onnx
//! ```

pub mod build;
pub mod calibration;
pub mod checkpoint;
pub mod fit;
pub mod folder;
pub mod fp32_onnx;
pub mod matrix;
pub mod observe;
pub mod onnx;
pub mod report;
pub mod rounding;
pub mod tables;
pub mod teacher;
pub mod tensors;
