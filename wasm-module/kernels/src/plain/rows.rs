//! Row quantisation: section 3 of `SPEC.md`.

use lockstep_arith::fixed::mul_q15;
use lockstep_arith::rows::{Scale, Sign};

/// (5) to (9) of rows: [`crate::Isa::quantize`].
#[inline(always)]
pub(crate) fn quantize(
    x: &[i16],
    width: usize,
    sign: Sign,
    q: &mut [i8],
    stride: usize,
    scales: &mut [Scale],
) {
    for ((x, q), scale) in x.chunks_exact(width).zip(q.chunks_exact_mut(stride)).zip(scales) {
        *scale = Scale::of_max(greatest(x));
        let reciprocal = scale.reciprocal(sign);
        let h = scale.shift;
        // The shift by h loses no bit: |x| < 2^(15 - h), except for -32768, and then h is 0.
        match sign {
            Sign::Signed => {
                for (q, &x) in q.iter_mut().zip(x) {
                    *q = ((i32::from(mul_q15(x << h, reciprocal)) + 64) >> 7) as i8;
                }
            }
            Sign::Unsigned => {
                for (q, &x) in q.iter_mut().zip(x) {
                    *q = (((i32::from(mul_q15(x << h, reciprocal)) + 32) >> 6) - 128) as i8;
                }
            }
        }
    }
}

/// The greatest magnitude of a row, in [0, 32768].
#[inline(always)]
pub(crate) fn greatest(x: &[i16]) -> u16 {
    // Every instruction set has the minimum and the maximum of signed 16-bit numbers. SSE2 lacks
    // the maximum of unsigned ones.
    let (lo, hi) = x.iter().fold((0, 0), |(lo, hi): (i16, i16), &x| (lo.min(x), hi.max(x)));
    lo.unsigned_abs().max(hi.unsigned_abs())
}

/// The sum of the bytes of a row.
#[inline(always)]
pub(crate) fn sum(q: &[i8]) -> i32 {
    q.iter().map(|&q| i32::from(q)).sum()
}

/// (8) with a given scale, in 16 bits: [`crate::Isa::quantize_wide`].
#[inline(always)]
pub(crate) fn quantize_wide(x: &[i16], scale: Scale, q: &mut [i16]) {
    let reciprocal = scale.reciprocal(Sign::Signed);
    let h = scale.shift;
    for (q, &x) in q.iter_mut().zip(x) {
        *q = ((i32::from(mul_q15(x << h, reciprocal)) + 64) >> 7) as i16;
    }
}
