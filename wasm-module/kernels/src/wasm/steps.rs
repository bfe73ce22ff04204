//! The steps between products, with 128-bit vectors.
//!
//! `i16x8.q15mulr_sat_s` is (2), and the saturating narrowing of 32-bit lanes is (3).

use core::arch::wasm32::*;

use lockstep_arith::activation::Activation;
use lockstep_arith::attention::HeadScale;
use lockstep_arith::fixed::floor_sqrt;
use lockstep_arith::layer_norm::{Affine, LayerNorm, deviation_shift, mean, reciprocal_deviation, variance};
use lockstep_arith::rows::Scale;

use super::unroll::each;
use super::vectors::{LANES, load16, load32, store16, store32, sum_of_lanes};
use crate::operands::Requantizer;
use crate::plain;

/// (1) of 32-bit lanes: `(x + 2^(s - 1)) >> s` for one `s` in [0, 31].
#[derive(Clone, Copy)]
struct RoundShift {
    half: v128,
    shift: u32,
}

impl RoundShift {
    fn new(shift: i32) -> Self {
        Self { half: i32x4_splat(plain::rounding::half(shift)), shift: shift as u32 }
    }

    fn of(self, x: v128) -> v128 {
        i32x4_shr(i32x4_add(x, self.half), self.shift)
    }
}

/// The parameters of (11) for one row, for eight accumulators at a time.
#[derive(Clone, Copy)]
struct RowRequantizer {
    acc: RoundShift,
    normalised: v128,
    out: RoundShift,
}

impl RowRequantizer {
    fn new(layer: &Requantizer, scale: Scale) -> Self {
        Self {
            acc: RoundShift::new(layer.acc_shift),
            normalised: i16x8_splat(scale.normalised()),
            out: RoundShift::new(layer.out_shift + scale.shift),
        }
    }

    fn of(self, acc: &[i32; LANES], c: &[i16; LANES], b: &[i32; LANES]) -> [v128; 2] {
        let [a0, a1] = load32(acc).map(|acc| self.acc.of(acc));
        let u = i16x8_q15mulr_sat(i16x8_narrow_i32x4(a0, a1), self.normalised);
        let c = load16(c);
        let [b0, b1] = load32(b);
        [
            i32x4_add(self.out.of(i32x4_extmul_low_i16x8(u, c)), b0),
            i32x4_add(self.out.of(i32x4_extmul_high_i16x8(u, c)), b1),
        ]
    }
}

/// (11) of rows of accumulators, in place: [`crate::Isa::requantize`].
pub(crate) fn requantize(acc: &mut [i32], scales: &[Scale], layer: &Requantizer) {
    let (multipliers, _) = layer.multipliers.as_chunks::<LANES>();
    let (biases, _) = layer.biases.as_chunks::<LANES>();
    let whole = multipliers.len() * LANES;
    for (row, scale) in acc.chunks_exact_mut(layer.biases.len()).zip(scales) {
        let requantizer = RowRequantizer::new(layer, *scale);
        let (vectors, tail) = row.as_chunks_mut::<LANES>();
        each!(((acc, c), b) in vectors.iter_mut().zip(multipliers).zip(biases) => {
            store32(requantizer.of(acc, c, b), acc);
        });
        plain::linear::requantize_row(tail, *scale, layer, whole);
    }
}

/// (11) and (3) of rows of accumulators: [`crate::Isa::requantize16`].
pub(crate) fn requantize16(acc: &[i32], scales: &[Scale], layer: &Requantizer, out: &mut [i16]) {
    let width = layer.biases.len();
    let (multipliers, _) = layer.multipliers.as_chunks::<LANES>();
    let (biases, _) = layer.biases.as_chunks::<LANES>();
    let whole = multipliers.len() * LANES;
    for ((acc, scale), out) in acc.chunks_exact(width).zip(scales).zip(out.chunks_exact_mut(width)) {
        let requantizer = RowRequantizer::new(layer, *scale);
        let (vectors, tail) = acc.as_chunks::<LANES>();
        let (outs, tail_out) = out.as_chunks_mut::<LANES>();
        each!(((out, acc), (c, b)) in outs.iter_mut().zip(vectors).zip(multipliers.iter().zip(biases)) => {
            let [y0, y1] = requantizer.of(acc, c, b);
            store16(i16x8_narrow_i32x4(y0, y1), out);
        });
        plain::linear::requantize16_row(tail, *scale, layer, whole, tail_out);
    }
}

/// (12) to (18) of rows of sums: [`crate::Isa::normalize`].
pub(crate) fn normalize(
    sums: &[i32],
    width: usize,
    norm: &LayerNorm,
    stream: &mut [i16],
    equalised: &mut [i16],
) {
    if !width.is_multiple_of(LANES) {
        return plain::normalize(sums, width, norm, stream, equalised);
    }
    let mut rest = equalised.as_chunks_mut().0;
    for (sums, stream) in sums.chunks_exact(width).zip(stream.chunks_exact_mut(width)) {
        let (sums, _) = sums.as_chunks();
        let (stream, _) = stream.as_chunks_mut();
        let rho = i16x8_splat(deviations(sums, stream));
        each!(t in stream.iter_mut() => {
            store16(i16x8_q15mulr_sat(load16(t), rho), t);
        });
        if let Some(affine) = &norm.equalised {
            let (row, tail) = rest.split_at_mut(stream.len());
            rest = tail;
            row.copy_from_slice(stream);
            apply(affine, row);
        }
        apply(&norm.stream, stream);
    }
}

/// (12) to (16) of one row: writes `t`, returns `rho`.
fn deviations(sums: &[[i32; LANES]], t: &mut [[i16; LANES]]) -> i16 {
    let width = sums.len() * LANES;
    let (mut total, mut least, mut most) = (i32x4_splat(0), i32x4_splat(i32::MAX), i32x4_splat(i32::MIN));
    each!(s in sums.iter() => {
        let [a, b] = load32(s);
        total = i32x4_add(total, i32x4_add(a, b));
        least = i32x4_min(least, i32x4_min(a, b));
        most = i32x4_max(most, i32x4_max(a, b));
    });
    let mean = mean(sum_of_lanes(total), width);
    let deviation = i32x4_max(i32x4_sub(most, i32x4_splat(mean)), i32x4_sub(i32x4_splat(mean), least));
    let deviation = i32x4_max(deviation, i32x4_shuffle::<2, 3, 0, 1>(deviation, deviation));
    let greatest = i32x4_extract_lane::<0>(deviation).max(i32x4_extract_lane::<1>(deviation));
    let shift = deviation_shift(greatest as u32);
    let (left, right) = ((-shift).max(0) as u32, RoundShift::new(shift.max(0)));
    let mean = i32x4_splat(mean);
    let mut squares = i32x4_splat(0);
    each!((t, s) in t.iter_mut().zip(sums) => {
        let [a, b] = load32(s).map(|s| right.of(i32x4_shl(i32x4_sub(s, mean), left)));
        let numbers = i16x8_max(i16x8_narrow_i32x4(a, b), i16x8_splat(-32767));
        // The sum of a pair and its rounding fits 31 bits.
        let pairs = i32x4_add(i32x4_dot_i16x8(numbers, numbers), i32x4_splat(128));
        squares = i32x4_add(squares, u32x4_shr(pairs, 8));
        store16(numbers, t);
    });
    reciprocal_deviation(floor_sqrt(variance(sum_of_lanes(squares) as u32, width)))
}

/// (18) of one row, in place.
fn apply(affine: &Affine, z: &mut [[i16; LANES]]) {
    let (gains, offsets) = (affine.gain.as_chunks().0, affine.offset.as_chunks().0);
    each!((z, (g, b)) in z.iter_mut().zip(gains.iter().zip(offsets)) => {
        store16(i16x8_add_sat(i16x8_q15mulr_sat(load16(z), load16(g)), load16(b)), z);
    });
}

/// (28) to (30) of rows, in place: [`crate::Isa::activate`].
pub(crate) fn activate(v: &mut [i16], activation: &Activation) {
    let f = activation.bump.fraction_bits as u32;
    let [c0, c1, c2] = activation.bump.coefficients.map(|c| load16(&c));
    let limit = u16x8_splat(((4_u32 << f) - 1) as u16);
    let offset = i16x8_splat(activation.offset);
    for v in v.chunks_exact_mut(activation.equaliser.len()) {
        let (vectors, tail) = v.as_chunks_mut::<LANES>();
        let (equalisers, tail_equaliser) = activation.equaliser.as_chunks::<LANES>();
        each!((v, e) in vectors.iter_mut().zip(equalisers) => {
            let x = load16(v);
            // The minimum is unsigned, because the magnitude of -32768 is 32768.
            let t = i16x8_shl(u16x8_min(i16x8_abs(x), limit), 13 - f);
            // Bytes 2 s and 2 s + 1 of a table are the coefficient of segment s.
            let segment = i16x8_mul(u16x8_shr(t, 12), i16x8_splat(0x0202));
            let bytes = i16x8_add(segment, i16x8_splat(0x0100));
            let at = |c| i8x16_swizzle(c, bytes);
            let l = i16x8_shl(v128_and(t, i16x8_splat(4095)), 3);
            let inner = i16x8_add(at(c1), i16x8_q15mulr_sat(l, at(c2)));
            let bump = i16x8_add(at(c0), i16x8_q15mulr_sat(l, inner));
            // (1) in two shifts: with a single one, the sum before it may exceed 16 bits.
            let bump = i16x8_shr(i16x8_add(i16x8_shr(bump, 16 - f), i16x8_splat(1)), 1);
            // The rise is not negative: if it saturates, the sum saturates too.
            let rise = i16x8_sub_sat(offset, bump);
            let a = i16x8_add_sat(i16x8_max(x, i16x8_splat(0)), rise);
            store16(i16x8_q15mulr_sat(a, load16(e)), v);
        });
        plain::activation::activate_row(tail, tail_equaliser, activation);
    }
}

/// The upper and the lower bytes of `2^(14 - o)` for octaves `o` in [0, 14], and 0 for `o = 15`.
const POWERS_UPPER: v128 = i8x16(64, 32, 16, 8, 4, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
const POWERS_LOWER: v128 = u8x16(0, 0, 0, 0, 0, 0, 0, 128, 64, 32, 16, 8, 4, 2, 1, 0);

/// (22) of eight distances `u`, in units of 2^-10 octaves.
fn exp2(u: v128) -> v128 {
    let octaves = i16x8_shr(u, 10);
    let f = i16x8_shl(v128_and(u, i16x8_splat(1023)), 5);
    let inner = i16x8_sub(i16x8_splat(22026), i16x8_q15mulr_sat(f, i16x8_splat(5680)));
    let e = i16x8_sub(i16x8_splat(32766), i16x8_q15mulr_sat(f, inner));
    // Index 255 selects no byte and gives 0. The upper byte of `octaves` is 0 and gives
    // POWERS_LOWER[0] = 0.
    let upper = i8x16_swizzle(POWERS_UPPER, v128_or(i16x8_shl(octaves, 8), i16x8_splat(255)));
    let lower = i8x16_swizzle(POWERS_LOWER, octaves);
    i16x8_q15mulr_sat(e, v128_or(upper, lower))
}

/// The greatest score of a row.
fn maximum(scores: &[i32]) -> i32 {
    let (vectors, tail) = scores.as_chunks();
    let mut best = i32x4_splat(i32::MIN);
    each!(a in vectors.iter() => {
        let [a, b] = load32(a);
        best = i32x4_max(best, i32x4_max(a, b));
    });
    let best = i32x4_max(best, i32x4_shuffle::<2, 3, 0, 1>(best, best));
    let best = i32x4_extract_lane::<0>(best).max(i32x4_extract_lane::<1>(best));
    best.max(plain::attention::maximum(tail))
}

/// (21) to (23) of rows of scores: [`crate::Isa::softmax`].
pub(crate) fn softmax(
    scores: &[i32],
    n: usize,
    head: HeadScale,
    p: &mut [i16],
    stride: usize,
    sums: &mut [u32],
) {
    let (left, right) = ((-head.shift).max(0) as u32, RoundShift::new(head.shift.max(0)));
    let factor = i16x8_splat(head.factor);
    for ((scores, p), sum) in scores.chunks_exact(n).zip(p.chunks_exact_mut(stride)).zip(sums) {
        let best = maximum(scores);
        let (vectors, tail) = scores.as_chunks::<LANES>();
        let (outs, tail_out) = p[..n].as_chunks_mut::<LANES>();
        let mut total = i32x4_splat(0);
        each!((p, a) in outs.iter_mut().zip(vectors) => {
            let [d0, d1] = load32(a).map(|a| right.of(i32x4_shl(i32x4_sub(i32x4_splat(best), a), left)));
            let weights = exp2(i16x8_q15mulr_sat(i16x8_narrow_i32x4(d0, d1), factor));
            total = i32x4_add(total, i32x4_extadd_pairwise_i16x8(weights));
            store16(weights, p);
        });
        *sum = sum_of_lanes(total) as u32 + plain::attention::softmax_row(tail, best, head, tail_out);
    }
}
