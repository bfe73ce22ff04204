//! Section 8 of `SPEC.md`: rows of 16 bits from the pooling, and the vector behind dense layers.
//! The layers themselves are `LinearTanh` and `Linear16`.

use super::{
    body::{Body, Value},
    embedding::belongs,
};
use crate::onnx::proto::{Attribute, Function};

/// The functions that a model with plain mean or CLS pooling does not have.
pub(super) fn functions() -> Vec<Function> {
    vec![mean_of(), mean_row(), max_row(), weighted_row(), widen()]
}

/// `sums` int64 `[B,D]`, `weights` int64 `[B]`, `bits` int64 scalar -> int16 `[B,D]`.
fn mean_of() -> Function {
    let inputs = ["sums", "weights", "bits"];
    let mut b = Body::new("MeanOf", &inputs, &[], "the division of (33) and (35)");
    let power = b.call("PowerOfTwo", &["bits"]);
    let two = b.int64(2);
    let numerator = b.mul(&power, &two);
    let numerator = b.add(&numerator, "weights");
    let denominator = b.mul("weights", &two);
    let reciprocal = b.div(&numerator, &denominator);
    let reciprocal = b.unsqueeze(&reciprocal, 1);
    let row = b.mul("sums", &reciprocal);
    let row = b.call("RoundShiftWide", &[&row, "bits"]);
    let row = b.cast_int16(&row);
    b.finish(&[("row", row)])
}

/// The sum of the last axis, which goes.
fn sum_of_rows(b: &mut Body, x: &str) -> Value {
    let sum = b.reduce_last("ReduceSum", x);
    let last = b.int64s(&[-1]);
    b.op("Squeeze", &[&sum, &last], Vec::new())
}

/// The operator `MeanRow`.
fn mean_row() -> Function {
    let mut b = Body::new("MeanRow", &["stream", "starts"], &[], "(35), mean");
    let pooled = b.call("PoolMean", &["stream", "starts"]);
    let pooled = b.cast_int64(&pooled);
    let [_, belongs] = belongs(&mut b);
    let belongs = b.cast_int64(&belongs);
    let n = sum_of_rows(&mut b, &belongs);
    let bits = b.int64(32);
    let row = b.call("MeanOf", &[&pooled, &n, &bits]);
    b.finish(&[("row", row)])
}

/// The operator `MaxRow`: the tokens of other sequences count as the least number.
fn max_row() -> Function {
    let mut b = Body::new("MaxRow", &["stream", "starts"], &[], "(33), max");
    let [_, belongs] = belongs(&mut b);
    let belongs = b.unsqueeze(&belongs, 2);
    let stream = b.cast_int32("stream");
    let stream = b.unsqueeze(&stream, 0);
    let least = b.int32(i16::MIN.into());
    let own = b.op("Where", &[&belongs, &stream, &least], Vec::new());
    let tokens = b.int64s(&[1]);
    let row = b.op("ReduceMax", &[&own, &tokens], vec![Attribute::int("keepdims", 0)]);
    let row = b.cast_int16(&row);
    b.finish(&[("row", row)])
}

/// The operator `WeightedRow`.
fn weighted_row() -> Function {
    let mut b = Body::new("WeightedRow", &["stream", "starts"], &[], "(33), weighted mean");
    let [sequence, belongs] = belongs(&mut b);
    let belongs = b.cast_int64(&belongs);
    let tokens = b.extent("stream", 0);
    let (zero, one) = (b.int64(0), b.int64(1));
    let index = b.op("Range", &[&zero, &tokens, &one], Vec::new());
    let begin = b.gather("starts", &sequence, 0);
    let weight = b.sub(&index, &begin);
    let weight = b.add(&weight, &one);
    let weights = b.mul(&belongs, &weight);
    let stream = b.cast_int64("stream");
    let sums = b.op("MatMul", &[&weights, &stream], Vec::new());
    let total = sum_of_rows(&mut b, &weights);
    let bits = b.int64(40);
    let row = b.call("MeanOf", &[&sums, &total, &bits]);
    b.finish(&[("row", row)])
}

/// The operator `Widen`.
fn widen() -> Function {
    let mut b = Body::new("Widen", &["x"], &[], "the vector in 32 bits");
    let y = b.cast_int32("x");
    b.finish(&[("y", y)])
}
