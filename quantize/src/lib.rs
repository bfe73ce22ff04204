//! Quantizes a Hugging Face encoder to the integers of `wasm-module/arith/SPEC.md`.
//!
//! ```text
//! checkpoint/ -> float weights -> teacher.rs runs the float model over the calibration text
//!   -> pipeline/ chooses the integers -> onnx/ and lockstep-folder write them
//! ```

pub mod calibration;
pub mod checkpoint;
pub mod folder;
pub mod layout;
pub mod matrix;
pub mod onnx;
pub mod pipeline;
pub mod report;
pub mod teacher;
pub mod tokens;
