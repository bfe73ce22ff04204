//! Row quantisation, with 128-bit vectors, and what products need to know of their rows.

use alloc::vec;
use alloc::vec::Vec;
use core::arch::wasm32::*;

use lockstep_arith::rows::{Scale, Sign};

use super::unroll::each;
use super::vectors::{LANES, load8, load16, store16, sum_of_lanes};
use crate::plain;

/// The sum of the bytes of a row.
pub(crate) fn sum(q: &[i8]) -> i32 {
    let (vectors, tail) = q.as_chunks::<{ 2 * LANES }>();
    let mut total = i32x4_splat(0);
    each!(q in vectors.iter() => {
        total = i32x4_add(total, i32x4_extadd_pairwise_i16x8(i16x8_extadd_pairwise_i8x16(load8(q))));
    });
    sum_of_lanes(total) + plain::sum(tail)
}

/// Bytes in 16 bits.
pub(crate) fn wide(q: &[i8]) -> Vec<i16> {
    let mut wide = vec![0; q.len()];
    let ((bytes, tail), (out, tail_out)) = (q.as_chunks(), wide.as_chunks_mut::<{ 2 * LANES }>());
    each!((q, out) in bytes.iter().zip(out) => {
        let q = load8(q);
        let (halves, _) = out.as_chunks_mut();
        store16(i16x8_extend_low_i8x16(q), &mut halves[0]);
        store16(i16x8_extend_high_i8x16(q), &mut halves[1]);
    });
    for (out, &q) in tail_out.iter_mut().zip(tail) {
        *out = q.into();
    }
    wide
}

/// The greatest magnitude of a row, in [0, 32768].
fn greatest(x: &[i16]) -> u16 {
    let (vectors, tail) = x.as_chunks();
    let mut most = i16x8_splat(0);
    // The maximum is unsigned, because the magnitude of -32768 is 32768.
    each!(x in vectors.iter() => { most = u16x8_max(most, i16x8_abs(load16(x))) });
    let mut lanes = [0; LANES];
    store16(most, &mut lanes);
    lanes.iter().map(|&lane| lane as u16).fold(plain::rows::greatest(tail), u16::max)
}

/// (8) with a given scale, in 16 bits: [`crate::Isa::quantize_wide`].
pub(crate) fn quantize_wide(x: &[i16], scale: Scale, q: &mut [i16]) {
    let reciprocal = i16x8_splat(scale.reciprocal(Sign::Signed));
    let ((vectors, tail), (out, tail_out)) = (x.as_chunks(), q[..x.len()].as_chunks_mut());
    each!((x, q) in vectors.iter().zip(out) => {
        let wide = i16x8_q15mulr_sat(i16x8_shl(load16(x), scale.shift as u32), reciprocal);
        store16(i16x8_shr(i16x8_add(wide, i16x8_splat(64)), 7), q);
    });
    plain::quantize_wide(tail, scale, tail_out);
}

/// (5) to (9) of rows: [`crate::Isa::quantize`].
pub(crate) fn quantize(
    x: &[i16],
    width: usize,
    sign: Sign,
    q: &mut [i8],
    stride: usize,
    scales: &mut [Scale],
) {
    let (half, shift, offset) = match sign {
        Sign::Signed => (64, 7, 0),
        Sign::Unsigned => (32, 6, 128),
    };
    for ((x, q), scale) in x.chunks_exact(width).zip(q.chunks_exact_mut(stride)).zip(scales) {
        *scale = Scale::of_max(greatest(x));
        let reciprocal = i16x8_splat(scale.reciprocal(sign));
        let (vectors, tail) = x.as_chunks::<LANES>();
        let (bytes, tail_bytes) = q[..width].as_chunks_mut::<LANES>();
        each!((q, x) in bytes.iter_mut().zip(vectors) => {
            let wide = i16x8_q15mulr_sat(i16x8_shl(load16(x), scale.shift as u32), reciprocal);
            let rounded = i16x8_shr(i16x8_add(wide, i16x8_splat(half)), shift);
            let narrow = i16x8_sub(rounded, i16x8_splat(offset));
            *q = (i64x2_extract_lane::<0>(i8x16_narrow_i16x8(narrow, narrow)) as u64)
                .to_le_bytes()
                .map(|byte| byte as i8);
        });
        for (q, &x) in tail_bytes.iter_mut().zip(tail) {
            *q = scale.quantize(x, sign);
        }
    }
}
