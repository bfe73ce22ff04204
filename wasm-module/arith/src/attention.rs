//! Section 6 of `SPEC.md`: attention of one head over one sequence.

use alloc::vec::Vec;

use crate::fixed::{bit_length, mul_q15, round_shift, sat16};
use crate::range::{RangeError, check};
use crate::rows::{Scale, Sign};

/// The factor `multiplier * 2^-shift` that turns products of queries and keys into octaves. It
/// contains `2^10 * log2(e) / sqrt(d)` and the units of queries and keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScoreScale {
    /// In [16384, 32767].
    pub multiplier: i16,
    /// In [37, 74].
    pub shift: i32,
}

impl ScoreScale {
    /// Checks the ranges of section 2.
    ///
    /// # Errors
    /// [`RangeError`] with the parameter that is out of range.
    pub fn validate(&self, name: &str) -> Result<(), RangeError> {
        check(name, "score_multiplier", self.multiplier.into(), 16384, 32767)?;
        check(name, "score_shift", self.shift.into(), 37, 74)
    }

    /// (20) of a head, from the scales of its block of queries and of its block of keys.
    #[must_use]
    pub const fn of_head(self, query: Scale, key: Scale) -> HeadScale {
        let g = query.max as u32 * key.max as u32;
        let bits = bit_length(g);
        let normalised = if bits > 15 { g >> (bits - 15) } else { g << (15 - bits) };
        let product = normalised * self.multiplier as u32;
        let (factor, shift) = if product < 1 << 29 {
            (product >> 14, self.shift - bits - 14)
        } else {
            (product >> 15, self.shift - bits - 15)
        };
        HeadScale { factor: factor as i16, shift: if shift > 30 { 30 } else { shift } }
    }
}

/// `F` and `h` of (20).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadScale {
    /// `F`, in [16384, 32767].
    pub factor: i16,
    /// `h`, in [-8, 30].
    pub shift: i32,
}

impl HeadScale {
    /// (21): from the distance to the best score to octaves, in units of 2^-10.
    #[must_use]
    pub const fn octaves(self, distance: i32) -> i16 {
        mul_q15(sat16(round_shift(distance, self.shift)), self.factor)
    }
}

/// (22): `2^14 * 2^(-octaves / 1024)`, in [0, 16383].
#[must_use]
pub const fn exp2(octaves: i16) -> i16 {
    let whole = octaves >> 10;
    let fraction = (octaves & 1023) << 5;
    let mantissa = 32766 - mul_q15(fraction, 22026 - mul_q15(fraction, 5680));
    if whole <= 14 { mul_q15(mantissa, 1 << (14 - whole)) } else { 0 }
}

/// The scale of (25) to (27) for one row: from weighted sums to the context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextScale {
    /// `E - 8` of (25), in [6, 15].
    pub shift: i32,
    /// `r_v` of (26).
    pub factor: i16,
}

impl ContextScale {
    /// (25), (26): `sum` is the sum of the weights of a row, at least 16383; `value` is the scale
    /// of the values.
    #[must_use]
    pub const fn of(sum: u32, value: Scale) -> Self {
        let bits = bit_length(sum);
        let normalised = if bits > 15 { sum >> (bits - 15) } else { sum << (15 - bits) };
        let reciprocal = (1_u32 << 29) / normalised;
        let reciprocal = if reciprocal > 32767 { 32767 } else { reciprocal as i16 };
        Self { shift: bits - 8, factor: mul_q15(reciprocal, value.max) }
    }

    /// (25), (27) of one weighted sum.
    #[must_use]
    pub const fn apply(self, weighted: i32) -> i16 {
        mul_q15(sat16(round_shift(weighted, self.shift)), self.factor)
    }
}

/// (19) to (27) of one head of one sequence. `projected` has shape `[n, 3 * D]` (queries, keys,
/// values), `context` has shape `[n, D]`. The head has the `width` columns from `column` on.
pub fn attend(
    projected: &[i16],
    hidden: usize,
    column: usize,
    width: usize,
    scale: ScoreScale,
    context: &mut [i16],
) {
    let part = |kind: usize| {
        projected.chunks_exact(3 * hidden).map(move |row| &row[kind * hidden + column..][..width])
    };
    let quantize_block = |kind| {
        let block = Scale::of(part(kind).flatten().copied());
        let q: Vec<i8> = part(kind).flatten().map(|&x| block.quantize(x, Sign::Signed)).collect();
        (block, q)
    };
    let (query_scale, queries) = quantize_block(0);
    let (key_scale, keys) = quantize_block(1);
    let (value_scale, values) = quantize_block(2);
    let head = scale.of_head(query_scale, key_scale);

    for (query, context) in queries.chunks_exact(width).zip(context.chunks_exact_mut(hidden)) {
        let scores: Vec<i32> = keys.chunks_exact(width).map(|key| dot(query, key)).collect();
        let best = scores.iter().copied().max().unwrap_or(0);
        let weights: Vec<i16> = scores.iter().map(|&a| exp2(head.octaves(best - a))).collect();
        let sum: u32 = weights.iter().map(|&p| u32::from(p.unsigned_abs())).sum();
        let context_scale = ContextScale::of(sum, value_scale);
        for (d, out) in context[column..column + width].iter_mut().enumerate() {
            let weighted: i32 = weights
                .iter()
                .zip(values[d..].iter().step_by(width))
                .map(|(&p, &v)| i32::from(p) * i32::from(v))
                .sum();
            *out = context_scale.apply(weighted);
        }
    }
}

fn dot(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
}
