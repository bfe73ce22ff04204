//! Section 1 of `SPEC.md`: the one rounding rule and what is built on it.
//!
//! `Div` truncates, so an arithmetic shift adds a multiple of the divisor first, which makes the
//! dividend non-negative, and takes the quotient of that multiple away again.

use super::body::Body;
use crate::onnx::proto::{Attribute, Function};

/// All functions of this section.
pub(super) fn functions() -> Vec<Function> {
    vec![
        power_of_two(),
        round_shift(),
        round_shift_either(),
        round_shift_wide(),
        mul_q15(),
        sat16(),
        bit_length(),
        square_root_step(),
        floor_sqrt(),
    ]
}

/// `s` int64 in [0, 31] -> int64.
fn power_of_two() -> Function {
    let mut b = Body::new("PowerOfTwo", &["s"], &[], "2^s, s in [0, 47]");
    let powers: Vec<i64> = (0..48).map(|s| 1 << s).collect();
    let powers = b.int64s(&powers);
    let power = b.gather(&powers, "s", 0);
    b.finish(&[("power", power)])
}

/// `x` int32 with `-2^30 <= x`, `x + 2^(s-1) < 2^30`; `s` int64 in [0, 30].
fn round_shift() -> Function {
    let mut b = Body::new("RoundShift", &["x", "s"], &[], "(1) in 32 bits, s in [0, 30]");
    let power = b.call("PowerOfTwo", &["s"]);
    let power = b.cast_int32(&power);
    let two = b.int32(2);
    let half = b.div(&power, &two); // 0 where s = 0
    let lift = b.int32(1 << 30);
    let bias = b.add(&half, &lift);
    let quotient = b.add("x", &bias);
    let quotient = b.div(&quotient, &power);
    let lift = b.div(&lift, &power);
    let y = b.sub(&quotient, &lift);
    b.finish(&[("y", y)])
}

/// As `RoundShift` of `x << max(-s, 0)`.
fn round_shift_either() -> Function {
    let mut b = Body::new("RoundShiftEither", &["x", "s"], &[], "(1) in 32 bits, s in [-15, 30]");
    let zero = b.int64(0);
    let left = b.sub(&zero, "s");
    let left = b.max(&left, &zero);
    let left = b.call("PowerOfTwo", &[&left]);
    let left = b.cast_int32(&left);
    let right = b.max("s", &zero);
    let x = b.mul("x", &left);
    let y = b.call("RoundShift", &[&x, &right]);
    b.finish(&[("y", y)])
}

/// `x` int64 of less than 60 bits, `s` int64 in [0, 47].
fn round_shift_wide() -> Function {
    let mut b = Body::new("RoundShiftWide", &["x", "s"], &[], "(1) in 64 bits, s in [0, 47]");
    let power = b.call("PowerOfTwo", &["s"]);
    let two = b.int64(2);
    let half = b.div(&power, &two);
    let lift = b.int64(1 << 60);
    let bias = b.add(&half, &lift);
    let quotient = b.add("x", &bias);
    let quotient = b.div(&quotient, &power);
    let lift = b.div(&lift, &power);
    let y = b.sub(&quotient, &lift);
    b.finish(&[("y", y)])
}

/// `a`, `b` int32 that hold 16-bit numbers.
fn mul_q15() -> Function {
    let mut b = Body::new("MulQ15", &["a", "b"], &[], "(2)");
    let product = b.mul("a", "b");
    // |product| <= 2^30 - 2^15, so the sum fits 31 bits.
    let bias = b.int32((1 << 30) + (1 << 14));
    let quotient = b.add(&product, &bias);
    let divisor = b.int32(1 << 15);
    let quotient = b.div(&quotient, &divisor);
    let lift = b.int32(1 << 15);
    let y = b.sub(&quotient, &lift);
    b.finish(&[("y", y)])
}

/// int32 -> int32.
fn sat16() -> Function {
    let mut b = Body::new("Sat16", &["x"], &[], "(3)");
    let y = b.clamp32("x", -32768, 32767);
    b.finish(&[("y", y)])
}

/// `x` int64 in [0, 2^32) -> int64: how many powers of two it reaches.
fn bit_length() -> Function {
    let mut b = Body::new("BitLength", &["x"], &[], "(4)");
    let powers: Vec<i64> = (0..48).map(|s| 1 << s).collect();
    let powers = b.int64s(&powers);
    let x = b.unsqueeze("x", -1);
    let reached = b.op("GreaterOrEqual", &[&x, &powers], Vec::new());
    let reached = b.cast_int64(&reached);
    let last = b.int64s(&[-1]);
    let bits = b.op("ReduceSum", &[&reached, &last], vec![Attribute::int("keepdims", 0)]);
    b.finish(&[("bits", bits)])
}

/// `root`, `v`, `bit` int64: sets `bit` in `root` where the square stays at or below `v`.
fn square_root_step() -> Function {
    let mut b = Body::new("SquareRootStep", &["root", "v", "bit"], &[], "one step of (15)");
    let candidate = b.add("root", "bit");
    let square = b.mul(&candidate, &candidate);
    let fits = b.op("LessOrEqual", &[&square, "v"], Vec::new());
    let next = b.op("Where", &[&fits, &candidate, "root"], Vec::new());
    b.finish(&[("next", next)])
}

/// `v` int64 in [0, 2^32) -> int64.
fn floor_sqrt() -> Function {
    let mut b = Body::new("FloorSqrt", &["v"], &[], "(15)");
    let zero = b.int64(0);
    let mut root = b.mul("v", &zero);
    for bit in (0..16).rev() {
        let bit = b.int64(1 << bit);
        root = b.call("SquareRootStep", &[&root, "v", &bit]);
    }
    b.finish(&[("root", root)])
}
