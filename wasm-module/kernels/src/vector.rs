//! The steps between products, as plain loops over `lockstep_arith`'s formulas. An instruction set's file
//! includes them in a function with its features, where the compiler vectorises them.

use lockstep_arith::activation::Activation;
use lockstep_arith::attention::{ContextScale, HeadScale, exp2};
use lockstep_arith::fixed::{floor_sqrt, mul_q15, sat16};
use lockstep_arith::layer_norm::{
    Affine, LayerNorm, clamp_sum, deviation_shift, mean, reciprocal_deviation, variance,
};
use lockstep_arith::rows::{Scale, Sign};

use crate::linear::Requantizer;

/// Half of `2^s`: what (1) adds before its shift.
pub(crate) const fn half(s: i32) -> i32 {
    if s > 0 { 1 << (s - 1) } else { 0 }
}

/// (5) to (9) of rows of `width` numbers; rows of `q` are `stride` long.
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
        // No bit is lost: |x| < 2^(15 - h), but for -32768, where h is 0.
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

/// The greatest magnitude of a row.
#[inline(always)]
pub(crate) fn greatest(x: &[i16]) -> u16 {
    // Minimum and maximum vectorise on every machine, the maximum of unsigned 16-bit numbers does not.
    let (lo, hi) = x.iter().fold((0, 0), |(lo, hi): (i16, i16), &x| (lo.min(x), hi.max(x)));
    lo.unsigned_abs().max(hi.unsigned_abs())
}

/// (8) of a block with a known scale, left in 16 bits.
#[inline(always)]
pub(crate) fn quantize_wide(x: &[i16], scale: Scale, q: &mut [i16]) {
    let reciprocal = scale.reciprocal(Sign::Signed);
    let h = scale.shift;
    for (q, &x) in q.iter_mut().zip(x) {
        *q = ((i32::from(mul_q15(x << h, reciprocal)) + 64) >> 7) as i16;
    }
}

/// (11) of one accumulator.
#[inline(always)]
fn requantized(acc: i32, c: i16, b: i32, layer: &Requantizer, normalised: i16, shift: i32) -> i32 {
    let a = sat16((acc + half(layer.acc_shift)) >> layer.acc_shift);
    ((i32::from(mul_q15(a, normalised)) * i32::from(c) + half(shift)) >> shift) + b
}

/// (11) of rows of accumulators, in place.
#[inline(always)]
pub(crate) fn requantize(acc: &mut [i32], scales: &[Scale], layer: &Requantizer) {
    for (acc, scale) in acc.chunks_exact_mut(layer.biases.len()).zip(scales) {
        requantize_row(acc, *scale, layer, 0);
    }
}

/// (11) of one row from the channel `first` on, in place.
#[inline(always)]
pub(crate) fn requantize_row(acc: &mut [i32], scale: Scale, layer: &Requantizer, first: usize) {
    let (normalised, shift) = (scale.normalised(), layer.out_shift + scale.shift);
    let parameters = layer.multipliers[first..].iter().zip(&layer.biases[first..]);
    for (acc, (&c, &b)) in acc.iter_mut().zip(parameters) {
        *acc = requantized(*acc, c, b, layer, normalised, shift);
    }
}

/// (11) of rows of accumulators, narrowed to 16 bits.
#[inline(always)]
pub(crate) fn requantize16(acc: &[i32], scales: &[Scale], layer: &Requantizer, out: &mut [i16]) {
    let width = layer.biases.len();
    for ((acc, scale), out) in acc.chunks_exact(width).zip(scales).zip(out.chunks_exact_mut(width)) {
        requantize16_row(acc, *scale, layer, 0, out);
    }
}

/// (11) of one row from the channel `first` on, narrowed to 16 bits.
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

/// (12), the sum only: adds the stream to `sums`.
#[inline(always)]
pub(crate) fn add_residual(stream: &[i16], residual_shift: i32, sums: &mut [i32]) {
    for (sum, &x) in sums.iter_mut().zip(stream) {
        *sum = clamp_sum((i32::from(x) << residual_shift) + *sum);
    }
}

/// (12) to (18) of rows of sums. `equalised` may be empty, where the norm has no such output.
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
        // `stream` holds z until the last step.
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

/// (12) to (17) of one row.
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
    // t^2 <= 32767^2, so a pair with its rounding fits in 31 bits and the signed shift is the unsigned one.
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

/// (28) to (30) of rows, in place.
#[inline(always)]
pub(crate) fn activate(v: &mut [i16], activation: &Activation) {
    for v in v.chunks_exact_mut(activation.equaliser.len()) {
        activate_row(v, &activation.equaliser, activation);
    }
}

/// (28) to (30) of a row or its tail, in place.
#[inline(always)]
pub(crate) fn activate_row(v: &mut [i16], equaliser: &[i16], activation: &Activation) {
    for (v, &e) in v.iter_mut().zip(equaliser) {
        *v = mul_q15(activation.activate(*v), e);
    }
}

/// (21) to (23) of rows of `n` scores; rows of `p` are `stride` long.
#[inline(always)]
pub(crate) fn softmax(
    scores: &[i32],
    n: usize,
    head: HeadScale,
    p: &mut [i16],
    stride: usize,
    sums: &mut [u32],
) {
    for ((scores, p), sum) in scores.chunks_exact(n).zip(p.chunks_exact_mut(stride)).zip(sums) {
        *sum = softmax_row(scores, maximum(scores), head, p);
    }
}

/// (21) to (23) of a row or its tail; returns the sum.
#[inline(always)]
pub(crate) fn softmax_row(scores: &[i32], best: i32, head: HeadScale, p: &mut [i16]) -> u32 {
    let mut total = 0;
    for (p, &a) in p.iter_mut().zip(scores) {
        *p = exp2(head.octaves(best - a));
        total += *p as u32;
    }
    total
}

/// The greatest score of a row.
#[inline(always)]
pub(crate) fn maximum(scores: &[i32]) -> i32 {
    scores.iter().fold(i32::MIN, |best, &a| best.max(a))
}

/// (25) to (27) of one row of weighted sums.
#[inline(always)]
pub(crate) fn context(weighted: &[i32], scale: ContextScale, out: &mut [i16]) {
    for (out, &a) in out.iter_mut().zip(weighted) {
        *out = scale.apply(a);
    }
}

/// (33): adds a row of 16-bit numbers to sums.
#[inline(always)]
pub(crate) fn accumulate(row: &[i16], sums: &mut [i32]) {
    for (sum, &x) in sums.iter_mut().zip(row) {
        *sum += i32::from(x);
    }
}

/// (32) of one token.
#[inline(always)]
pub(crate) fn embed(word: &[i8], scale: i16, position: &[i16], kind: &[i16], shift: i32, sums: &mut [i32]) {
    let tables = position.iter().zip(kind);
    for ((sum, &w), (&p, &t)) in sums.iter_mut().zip(word).zip(tables) {
        *sum = clamp_sum(i32::from(w) * i32::from(scale) + ((i32::from(p) + i32::from(t)) << shift));
    }
}
