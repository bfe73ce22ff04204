//! Section 8 of `SPEC.md`: the row that enters the dense layers, and the vector that leaves them.
//! The layers themselves are `LinearTanh` and `Linear16`.

use super::body::Body;
use crate::onnx::proto::{Attribute, Function};

/// All functions of a model with dense layers that other models do not have.
pub(super) fn functions() -> Vec<Function> {
    vec![mean_row(), widen()]
}

/// The operator `MeanRow`.
fn mean_row() -> Function {
    let mut b = Body::new("MeanRow", &["stream", "starts"], &[], "(35), mean");
    let pooled = b.call("PoolMean", &["stream", "starts"]);
    let pooled = b.cast_int64(&pooled);
    // Where a sequence ends, the next one begins; the last one ends with the tokens.
    let (zero, one) = (b.int64s(&[0]), b.int64s(&[1]));
    let end = b.op("Shape", &["starts"], Vec::new());
    let next = b.op("Slice", &["starts", &one, &end, &zero], Vec::new());
    let stream = b.op("Shape", &["stream"], Vec::new());
    let all = b.gather(&stream, &zero, 0);
    let ends = b.op("Concat", &[&next, &all], vec![Attribute::int("axis", 0)]);
    let n = b.sub(&ends, "starts");

    let two = b.int64(2);
    let numerator = b.int64(1 << 33);
    let numerator = b.add(&numerator, &n);
    let n = b.mul(&n, &two);
    let reciprocal = b.div(&numerator, &n);
    let reciprocal = b.unsqueeze(&reciprocal, 1);
    let row = b.mul(&pooled, &reciprocal);
    let shift = b.int64(32);
    let row = b.call("RoundShiftWide", &[&row, &shift]);
    let row = b.cast_int16(&row);
    b.finish(&[("row", row)])
}

/// The operator `Widen`.
fn widen() -> Function {
    let mut b = Body::new("Widen", &["x"], &[], "the vector of (36) in 32 bits");
    let y = b.cast_int32("x");
    b.finish(&[("y", y)])
}
