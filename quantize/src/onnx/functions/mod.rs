//! The bodies of the operators of `FORMAT.md`, in standard operators of opset 18. ONNX Runtime runs
//! them.
//!
//! They are a second implementation of `SPEC.md` and compute on tensors of whole batches.
//! Elementwise arithmetic is in int32, what the spec has once a row in int64, products of bytes in
//! `MatMulInteger`; no value is ever a floating-point number. ONNX Runtime knows little of int16,
//! so operators widen it on entry and narrow it on exit.

mod activation;
mod attention;
mod body;
mod embedding;
mod fixed;
mod layer_norm;
mod linear;
mod rows;
#[cfg(test)]
mod tests;

use super::proto::Function;

/// All functions, each after those that it calls.
#[must_use]
pub fn all() -> Vec<Function> {
    [
        fixed::functions(),
        rows::functions(),
        linear::functions(),
        layer_norm::functions(),
        attention::functions(),
        activation::functions(),
        embedding::functions(),
    ]
    .concat()
}
