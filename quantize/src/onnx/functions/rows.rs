//! Section 3 of `SPEC.md`: 16 bits to 8.

use super::body::Body;
use crate::onnx::proto::Function;

/// All functions of this section.
pub(super) fn functions() -> Vec<Function> {
    vec![scale(), quantize(), quantize_rows()]
}

/// `greatest` int32 in [0, 32768] -> `m` int32, `m_n` int32, `h` int64, of the same shape.
fn scale() -> Function {
    let mut b = Body::new("Scale", &["greatest"], &[], "(5), (6)");
    let m = b.clamp32("greatest", 1, 32767);
    let wide = b.cast_int64(&m);
    let bits = b.call("BitLength", &[&wide]);
    let fifteen = b.int64(15);
    let h = b.sub(&fifteen, &bits);
    let power = b.call("PowerOfTwo", &[&h]);
    let normalised = b.mul(&wide, &power);
    let normalised = b.cast_int32(&normalised);
    b.finish(&[("m", m), ("m_n", normalised), ("h", h)])
}

/// `x` int32 and the `m_n`, `h` of its rows; `unsigned` an int64 scalar, 0 or 1. `u` uint8 is `q +
/// 128` either way; `zero` uint8 is what `MatMulInteger` takes away from it: 128, or 0 for unsigned
/// rows, whose numbers `q + 128` enter the product as they are (10).
fn quantize() -> Function {
    let mut b = Body::new("Quantize", &["x", "m_n", "h", "unsigned"], &[], "(7), (8), (9)");
    // 255 * 2^21 = 127 * 2^22 + 2^21.
    let numerator = b.int64(127 << 22);
    let more = b.int64(1 << 21);
    let more = b.mul("unsigned", &more);
    let numerator = b.add(&numerator, &more);
    let numerator = b.cast_int32(&numerator);
    let reciprocal = b.div(&numerator, "m_n");

    // Of 16-bit numbers only -32768 could leave 16 bits, and its h is 0: the sat16 of (8) does
    // nothing.
    let power = b.call("PowerOfTwo", &["h"]);
    let power = b.cast_int32(&power);
    let x = b.mul("x", &power);
    let wide = b.call("MulQ15", &[&x, &reciprocal]);
    let seven = b.int64(7);
    let shift = b.sub(&seven, "unsigned");
    let q = b.call("RoundShift", &[&wide, &shift]);

    let one = b.int64(1);
    let signed = b.sub(&one, "unsigned");
    let offset = b.int64(128);
    let zero = b.mul(&signed, &offset);
    let offset = b.cast_int32(&zero);
    let zero = b.cast_uint8(&zero);
    let u = b.add(&q, &offset);
    let u = b.cast_uint8(&u);
    b.finish(&[("u", u), ("zero", zero)])
}

/// `x` int16 `[N,K]` -> `u` uint8 `[N,K]`, `zero` uint8, `m_n` int32 `[N,1]`, `h` int64 `[N,1]`.
fn quantize_rows() -> Function {
    let mut b = Body::new("QuantizeRows", &["x", "unsigned"], &[], "(5) to (9) of each row");
    let x = b.cast_int32("x");
    let magnitude = b.op("Abs", &[&x], Vec::new());
    let greatest = b.reduce_last("ReduceMax", &magnitude);
    let [_, normalised, h] = b.call_many("Scale", &[&greatest]);
    let [u, zero] = b.call_many("Quantize", &[&x, &normalised, &h, "unsigned"]);
    b.finish(&[("u", u), ("zero", zero), ("m_n", normalised), ("h", h)])
}
