//! The integer arithmetic of `SPEC.md`: the reference implementation.
//!
//! It is written to be read: one function for each group of equations, and plain loops. Kernels,
//! WebAssembly, ONNX function bodies and RTL are compared with it by `==`. Numbers in parentheses
//! in the comments are the equations of `SPEC.md`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

/// The version of the arithmetic, as the title of `SPEC.md` names it. A change of an equation that
/// can change a bit of an answer makes it another one.
pub const VERSION: u32 = 1;

pub mod activation;
pub mod attention;
pub mod embedding;
pub mod encoder;
pub mod fixed;
pub mod item;
pub mod layer_norm;
pub mod linear;
pub mod range;
pub mod rows;
pub mod sample;
pub mod vector;
