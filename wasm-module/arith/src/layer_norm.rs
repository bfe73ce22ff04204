//! Section 5 of `SPEC.md`: the residual sum and LayerNorm.

use alloc::vec::Vec;

use crate::fixed::{bit_length, floor_sqrt, mul_q15, reciprocal, round_shift, round_shift_wide, sat16};
use crate::range::{RangeError, check, check_all, check_len};

/// The greatest magnitude of a sum that enters a LayerNorm: the bound of the clamp in (12).
pub const SUM_LIMIT: i32 = (1 << 20) - 1;

/// The gain and the offset of (18), one of each for each channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affine {
    /// `g`, shape `[D]`.
    pub gain: Vec<i16>,
    /// `b`, shape `[D]`.
    pub offset: Vec<i16>,
}

/// A LayerNorm with its one or two outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerNorm {
    /// The output for the residual stream, the pooling and the head.
    pub stream: Affine,
    /// The equalised output, for the linear layer that follows. `None` after the last layer.
    pub equalised: Option<Affine>,
    /// The shift of the previous stream in the sum of (12), in [0, 4].
    pub residual_shift: i32,
}

impl Affine {
    fn validate(&self, name: &str, hidden: usize) -> Result<(), RangeError> {
        check_len(name, "gain", self.gain.len(), hidden)?;
        check_len(name, "offset", self.offset.len(), hidden)?;
        check_all(name, "gain", self.gain.iter().map(|&g| g.into()), -32767, 32767)
    }

    /// (18) of one normalised row `z`.
    #[must_use]
    pub fn apply(&self, z: &[i16]) -> Vec<i16> {
        let parameters = self.gain.iter().zip(&self.offset);
        z.iter()
            .zip(parameters)
            .map(|(&z, (&g, &b))| sat16(i32::from(mul_q15(z, g)) + i32::from(b)))
            .collect()
    }
}

impl LayerNorm {
    /// Checks shapes and ranges, and that there is an equalised output if and only if `equalised`
    /// is true.
    ///
    /// # Errors
    /// [`RangeError`] with the first parameter that is out of range.
    pub fn validate(&self, name: &str, hidden: usize, equalised: bool) -> Result<(), RangeError> {
        check(name, "residual_shift", self.residual_shift.into(), 0, 4)?;
        let wanted = i64::from(equalised);
        check(name, "number of equalised outputs", self.equalised.is_some().into(), wanted, wanted)?;
        self.stream.validate(name, hidden)?;
        self.equalised.as_ref().map_or(Ok(()), |e| e.validate(name, hidden))
    }

    /// The sum and the clamp of (12): `x` is from the previous stream, `y` from a linear layer.
    #[must_use]
    pub fn sum(&self, x: i16, y: i32) -> i32 {
        clamp_sum((i32::from(x) << self.residual_shift) + y)
    }

    /// (12) to (18) of one row of sums: the stream and the equalised output, if there is one.
    #[must_use]
    pub fn forward(&self, sums: &[i32]) -> (Vec<i16>, Option<Vec<i16>>) {
        let z = normalise(sums);
        (self.stream.apply(&z), self.equalised.as_ref().map(|e| e.apply(&z)))
    }
}

/// The clamp of (12).
#[inline(always)]
#[must_use]
pub const fn clamp_sum(s: i32) -> i32 {
    if s > SUM_LIMIT {
        SUM_LIMIT
    } else if s < -SUM_LIMIT {
        -SUM_LIMIT
    } else {
        s
    }
}

/// `R` of (12): `2^32 / D`, rounded half up, at most 2^27.
#[must_use]
pub const fn reciprocal_of_width(hidden: usize) -> u32 {
    reciprocal(hidden, 32) as u32
}

/// `mean` of (12); `total` is the sum of a row of `hidden` sums.
#[inline]
#[must_use]
pub const fn mean(total: i32, hidden: usize) -> i32 {
    round_shift_wide(total as i64 * reciprocal_of_width(hidden) as i64, 32) as i32
}

/// `e - 15` of (13), the shift of a row; `greatest` is the greatest magnitude of its deviations.
#[inline]
#[must_use]
pub const fn deviation_shift(greatest: u32) -> i32 {
    bit_length(if greatest == 0 { 1 } else { greatest }) - 15
}

/// `v` of (14); `squares` is `ss`, from a row of `hidden` deviations.
#[inline]
#[must_use]
pub const fn variance(squares: u32, hidden: usize) -> u32 {
    round_shift_wide(squares as i64 * reciprocal_of_width(hidden) as i64, 22) as u32
}

/// `rho` of (16); `sd` is twice the deviation.
#[inline]
#[must_use]
pub const fn reciprocal_deviation(sd: u32) -> i16 {
    let rho = (1 << 25) / if sd == 0 { 1 } else { sd };
    if rho > 32767 { 32767 } else { rho as i16 }
}

/// (12) to (17) of a row of sums: the row with mean 0 and variance 1, in units of 2^-9.
#[must_use]
pub fn normalise(sums: &[i32]) -> Vec<i16> {
    let mean = mean(sums.iter().sum(), sums.len());
    let greatest = sums.iter().map(|&s| (s - mean).unsigned_abs()).max().unwrap_or(0);
    let shift = deviation_shift(greatest);
    let t: Vec<i16> =
        sums.iter().map(|&s| round_shift(s - mean, shift).clamp(-32767, 32767) as i16).collect();
    let square = |t: i16| u32::from(t.unsigned_abs()) * u32::from(t.unsigned_abs());
    let ss: u32 = t.chunks_exact(2).map(|pair| (square(pair[0]) + square(pair[1]) + 128) >> 8).sum();
    let rho = reciprocal_deviation(floor_sqrt(variance(ss, sums.len())));
    t.into_iter().map(|t| mul_q15(t, rho)).collect()
}
