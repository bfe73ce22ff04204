//! Section 5 of `SPEC.md`: the residual sum and LayerNorm.

use super::body::Body;
use crate::onnx::proto::Function;

const SUM_LIMIT: i32 = (1 << 20) - 1;

/// All functions of this section.
pub(super) fn functions() -> Vec<Function> {
    vec![
        reciprocal_deviation(),
        normalise(),
        affine(),
        linear_norm("LinearNorm", true),
        linear_norm("LinearNormLast", false),
    ]
}

/// `t` int32 `[N,D]`, `r` int64 scalar -> int32 `[N,1]`.
fn reciprocal_deviation() -> Function {
    let mut b = Body::new("ReciprocalDeviation", &["t", "r"], &[], "(14) to (16)");
    let t = b.cast_int64("t");
    let square = b.mul(&t, &t);
    let pairs = b.int64s(&[0, -1, 2]);
    let square = b.op("Reshape", &[&square, &pairs], Vec::new());
    let pair = b.reduce_last("ReduceSum", &square); // [N, D/2, 1]
    let half = b.int64(128);
    let pair = b.add(&pair, &half);
    let divisor = b.int64(256);
    let pair = b.div(&pair, &divisor);
    let rows = b.int64s(&[0, -1]);
    let pair = b.op("Reshape", &[&pair, &rows], Vec::new());
    let sum = b.reduce_last("ReduceSum", &pair);
    let v = b.mul(&sum, "r");
    let shift = b.int64(22);
    let v = b.call("RoundShiftWide", &[&v, &shift]);

    let deviation = b.call("FloorSqrt", &[&v]);
    let one = b.int64(1);
    let deviation = b.max(&deviation, &one);
    let numerator = b.int64(1 << 25);
    let rho = b.div(&numerator, &deviation);
    let most = b.int64(32767);
    let rho = b.min(&rho, &most);
    let rho = b.cast_int32(&rho);
    b.finish(&[("rho", rho)])
}

/// `sums` int32 `[N,D]` -> `z` int32 `[N,D]`.
fn normalise() -> Function {
    let mut b = Body::new("Normalise", &["sums"], &[], "(12) to (17)");
    let s = b.clamp32("sums", -SUM_LIMIT, SUM_LIMIT);
    let width = b.extent("sums", -1);
    let two = b.int64(2);
    let twice = b.mul(&width, &two);
    let numerator = b.int64(1 << 33);
    let r = b.add(&numerator, &width);
    let r = b.div(&r, &twice);

    let total = b.reduce_last("ReduceSum", &s); // at most 1024 * 2^20
    let total = b.cast_int64(&total);
    let mean = b.mul(&total, &r);
    let shift = b.int64(32);
    let mean = b.call("RoundShiftWide", &[&mean, &shift]);
    let mean = b.cast_int32(&mean);

    let d = b.sub(&s, &mean);
    let magnitude = b.op("Abs", &[&d], Vec::new());
    let greatest = b.reduce_last("ReduceMax", &magnitude);
    let greatest = b.cast_int64(&greatest);
    let one = b.int64(1);
    let greatest = b.max(&greatest, &one);
    let e = b.call("BitLength", &[&greatest]);
    let fifteen = b.int64(15);
    let shift = b.sub(&e, &fifteen);
    let t = b.call("RoundShiftEither", &[&d, &shift]);
    let t = b.clamp32(&t, -32767, 32767);

    let rho = b.call("ReciprocalDeviation", &[&t, &r]);
    let z = b.call("MulQ15", &[&t, &rho]);
    b.finish(&[("z", z)])
}

/// `z` int32 `[N,D]`, `gain` and `offset` int16 `[D]` -> int16 `[N,D]`.
fn affine() -> Function {
    let mut b = Body::new("Affine", &["z", "gain", "offset"], &[], "(18)");
    let gain = b.cast_int32("gain");
    let offset = b.cast_int32("offset");
    let x = b.call("MulQ15", &["z", &gain]);
    let x = b.add(&x, &offset);
    let x = b.call("Sat16", &[&x]);
    let x = b.cast_int16(&x);
    b.finish(&[("x", x)])
}

/// The operators `LinearNorm` and `LinearNormLast`.
fn linear_norm(name: &str, equalised: bool) -> Function {
    let inputs = ["x", "stream", "w", "c", "b", "gain", "offset", "gain_e", "offset_e"];
    let inputs = if equalised { &inputs[..] } else { &inputs[..7] };
    let attributes = ["acc_shift", "out_shift", "residual_shift", "unsigned"];
    let mut b = Body::new(name, inputs, &attributes, "sections 4 and 5");
    let [acc_shift, out_shift, residual_shift, unsigned] = attributes.map(|name| b.attribute(name));
    let y = b.call("LinearRows", &["x", "w", "c", "b", &acc_shift, &out_shift, &unsigned]);
    let stream = b.cast_int32("stream");
    let power = b.call("PowerOfTwo", &[&residual_shift]);
    let power = b.cast_int32(&power);
    let stream = b.mul(&stream, &power);
    let sums = b.add(&stream, &y);
    let z = b.call("Normalise", &[&sums]);
    let mut outputs = vec![("next", b.call("Affine", &[&z, "gain", "offset"]))];
    if equalised {
        outputs.push(("equalised", b.call("Affine", &[&z, "gain_e", "offset_e"])));
    }
    b.finish(&outputs)
}
