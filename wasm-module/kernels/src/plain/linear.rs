//! From accumulators to outputs: equation (11).

use lockstep_arith::fixed::{mul_q15, sat16};
use lockstep_arith::rows::Scale;

use super::rounding::half;
use crate::operands::Requantizer;

/// (11) of one accumulator.
#[inline(always)]
fn requantized(acc: i32, c: i16, b: i32, layer: &Requantizer, normalised: i16, shift: i32) -> i32 {
    let a = sat16((acc + half(layer.acc_shift)) >> layer.acc_shift);
    ((i32::from(mul_q15(a, normalised)) * i32::from(c) + half(shift)) >> shift) + b
}

/// (11) of rows of accumulators, in place: [`crate::Isa::requantize`].
#[inline(always)]
pub(crate) fn requantize(acc: &mut [i32], scales: &[Scale], layer: &Requantizer) {
    for (acc, scale) in acc.chunks_exact_mut(layer.biases.len()).zip(scales) {
        requantize_row(acc, *scale, layer, 0);
    }
}

/// (11) of the accumulators of one row whose first channel is `first`, in place.
#[inline(always)]
pub(crate) fn requantize_row(acc: &mut [i32], scale: Scale, layer: &Requantizer, first: usize) {
    let (normalised, shift) = (scale.normalised(), layer.out_shift + scale.shift);
    let parameters = layer.multipliers[first..].iter().zip(&layer.biases[first..]);
    for (acc, (&c, &b)) in acc.iter_mut().zip(parameters) {
        *acc = requantized(*acc, c, b, layer, normalised, shift);
    }
}

/// (11) and (3) of rows of accumulators: [`crate::Isa::requantize16`].
#[inline(always)]
pub(crate) fn requantize16(acc: &[i32], scales: &[Scale], layer: &Requantizer, out: &mut [i16]) {
    let width = layer.biases.len();
    for ((acc, scale), out) in acc.chunks_exact(width).zip(scales).zip(out.chunks_exact_mut(width)) {
        requantize16_row(acc, *scale, layer, 0, out);
    }
}

/// (11) and (3) of the accumulators of one row whose first channel is `first`.
#[inline(always)]
pub(crate) fn requantize16_row(
    acc: &[i32],
    scale: Scale,
    layer: &Requantizer,
    first: usize,
    out: &mut [i16],
) {
    let (normalised, shift) = (scale.normalised(), layer.out_shift + scale.shift);
    let parameters = layer.multipliers[first..].iter().zip(&layer.biases[first..]);
    for ((out, &acc), (&c, &b)) in out.iter_mut().zip(acc).zip(parameters) {
        *out = sat16(requantized(acc, c, b, layer, normalised, shift));
    }
}
