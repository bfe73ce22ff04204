//! The integer arithmetic of `SPEC.md`: the reference implementation.
//!
//! Plain and readable: one function an equation group, loops instead of tricks. It is the golden
//! model that kernels, WebAssembly, ONNX function bodies and RTL are compared with, by `==`.
//! Numbers in parentheses in the comments are the equations of `SPEC.md`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod activation;
pub mod attention;
pub mod embedding;
pub mod encoder;
pub mod fixed;
pub mod layer_norm;
pub mod linear;
pub mod range;
pub mod rows;
pub mod sample;
