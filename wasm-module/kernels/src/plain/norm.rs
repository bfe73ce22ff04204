//! The residual sum and the LayerNorm: section 5 of `SPEC.md`.

use lockstep_arith::fixed::{floor_sqrt, mul_q15, sat16};
use lockstep_arith::layer_norm::{
    Affine, LayerNorm, clamp_sum, deviation_shift, mean, reciprocal_deviation, variance,
};

use super::rounding::half;

/// The sum and the clamp of (12): [`crate::Isa::add_residual`].
#[inline(always)]
pub(crate) fn add_residual(stream: &[i16], residual_shift: i32, sums: &mut [i32]) {
    for (sum, &x) in sums.iter_mut().zip(stream) {
        *sum = clamp_sum((i32::from(x) << residual_shift) + *sum);
    }
}

/// (12) to (18) of rows of sums: [`crate::Isa::normalize`].
#[inline(always)]
pub(crate) fn normalize(
    sums: &[i32],
    width: usize,
    norm: &LayerNorm,
    stream: &mut [i16],
    equalised: &mut [i16],
) {
    let mut rest = equalised;
    for (sums, stream) in sums.chunks_exact(width).zip(stream.chunks_exact_mut(width)) {
        // Until the last step, `stream` holds z of (17).
        normalize_row(sums, stream);
        if let Some(affine) = &norm.equalised {
            let (row, tail) = rest.split_at_mut(width);
            rest = tail;
            row.copy_from_slice(stream);
            apply(affine, row);
        }
        apply(&norm.stream, stream);
    }
}

/// (12) to (17) of one row of sums.
#[inline(always)]
fn normalize_row(sums: &[i32], z: &mut [i16]) {
    let mean = mean(sums.iter().sum(), sums.len());
    let (lo, hi) = sums.iter().fold((i32::MAX, i32::MIN), |(lo, hi), &s| (lo.min(s), hi.max(s)));
    let shift = deviation_shift((hi - mean).max(mean - lo) as u32);
    if shift > 0 {
        for (z, &s) in z.iter_mut().zip(sums) {
            *z = ((s - mean + half(shift)) >> shift).clamp(-32767, 32767) as i16;
        }
    } else {
        for (z, &s) in z.iter_mut().zip(sums) {
            *z = ((s - mean) << -shift).clamp(-32767, 32767) as i16;
        }
    }
    // t^2 <= 32767^2, so the sum of a pair and its rounding fits 31 bits.
    let pair = |t: &[i16]| {
        ((i32::from(t[0]) * i32::from(t[0]) + i32::from(t[1]) * i32::from(t[1])) as u32 + 128) >> 8
    };
    let ss: u32 = z.chunks_exact(2).map(pair).sum();
    let rho = reciprocal_deviation(floor_sqrt(variance(ss, sums.len())));
    for z in z {
        *z = mul_q15(*z, rho);
    }
}

/// (18) of one row, in place.
#[inline(always)]
fn apply(affine: &Affine, z: &mut [i16]) {
    for ((z, &g), &b) in z.iter_mut().zip(&affine.gain).zip(&affine.offset) {
        *z = sat16(i32::from(mul_q15(*z, g)) + i32::from(b));
    }
}
