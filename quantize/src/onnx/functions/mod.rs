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
mod vector;

use lockstep_arith::encoder::{Encoder, Pooling};

use super::proto::Function;

/// The functions in the file of an encoder, each after those that it calls. Those of dense layers
/// and of the poolings beside mean and CLS are in the files that need them alone: the other files,
/// and so the digests of their models, are as they were before.
#[must_use]
pub fn functions_of(encoder: &Encoder) -> Vec<Function> {
    let mut functions = usual();
    let usual_pooling = encoder.head.is_some() || matches!(encoder.pooling, Pooling::Mean | Pooling::Cls);
    if !encoder.dense.is_empty() || !usual_pooling {
        functions.extend(vector::functions());
    }
    functions
}

/// The functions in every file.
fn usual() -> Vec<Function> {
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
