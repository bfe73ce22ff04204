//! Section 7 of `SPEC.md`: activations such as GELU, and the tanh of the pooler, by tables of eight
//! segments.

use alloc::vec::Vec;

use crate::fixed::{mul_q15, round_shift, sat16};
use crate::range::{RangeError, check, check_all, check_len};

/// Number of segments of a table; each is half a unit wide.
pub const SEGMENTS: usize = 8;

/// One quadratic function for each segment: `c0 + l * (c1 + l * c2)` for `l` in [0, 1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    /// Shape `[3, 8]`: `c0`, `c1`, `c2`.
    pub coefficients: [[i16; SEGMENTS]; 3],
    /// Fraction bits of the input, in [1, 12].
    pub fraction_bits: i32,
}

impl Table {
    /// Checks the fraction bits and the coefficients, and that both sums of (29) fit 16 bits for
    /// every input.
    ///
    /// # Errors
    /// [`RangeError`] with the first parameter or sum that is out of range.
    pub fn validate(&self, name: &str) -> Result<(), RangeError> {
        check(name, "fraction_bits", self.fraction_bits.into(), 1, 12)?;
        for (i, c) in self.coefficients.iter().enumerate() {
            check_all(
                name,
                if i == 0 { "c0" } else { "c1, c2" },
                c.iter().map(|&c| c.into()),
                -32767,
                32767,
            )?;
        }
        for segment in 0..SEGMENTS {
            let [c0, c1, c2] = self.coefficients.map(|c| c[segment]);
            for l in (0..=i16::MAX).step_by(8) {
                let inner = i32::from(c1) + i32::from(mul_q15(l, c2));
                check(name, "c1 + l c2", inner.into(), -32767, 32767)?;
                let outer = i32::from(c0) + i32::from(mul_q15(l, inner as i16));
                check(name, "c0 + l (c1 + l c2)", outer.into(), -32767, 32767)?;
            }
        }
        Ok(())
    }

    /// (28), (29) of a magnitude `abs(v)`.
    #[must_use]
    pub fn at(&self, magnitude: u16) -> i16 {
        let limit = (4 << self.fraction_bits) - 1;
        let t = i32::from(magnitude).min(limit) << (13 - self.fraction_bits);
        let segment = (t >> 12) as usize;
        let l = ((t & 4095) << 3) as i16;
        let [c0, c1, c2] = self.coefficients.map(|c| c[segment]);
        c0 + mul_q15(l, c1 + mul_q15(l, c2))
    }

    /// (31) The odd function of the pooler, in units of 2^-15.
    #[must_use]
    pub fn odd(&self, v: i16) -> i16 {
        let y = self.at(v.unsigned_abs());
        if v < 0 { -y } else { y }
    }
}

/// The activation between the two feed-forward layers, with the equaliser of the second layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activation {
    /// `bump(x) = relu(x) - act(x)`, in units of 2^-17.
    pub bump: Table,
    /// The offset that keeps every output at or above 0.
    pub offset: i16,
    /// The equaliser, shape `[intermediate]`, each in [0, 32767].
    pub equaliser: Vec<i16>,
}

impl Activation {
    /// Checks shapes and ranges. The offset is checked for every possible input.
    ///
    /// # Errors
    /// [`RangeError`] with the first parameter that is out of range.
    pub fn validate(&self, name: &str, width: usize) -> Result<(), RangeError> {
        self.bump.validate(name)?;
        check_len(name, "equaliser", self.equaliser.len(), width)?;
        check_all(name, "equaliser", self.equaliser.iter().map(|&e| e.into()), 0, 32767)?;
        check(name, "offset", self.offset.into(), least_offset(&self.bump).into(), 32767)
    }

    /// (28) to (30) of one row of outputs of the first feed-forward layer.
    #[must_use]
    pub fn forward(&self, v: &[i16]) -> Vec<i16> {
        v.iter().zip(&self.equaliser).map(|(&v, &e)| mul_q15(self.activate(v), e)).collect()
    }

    /// `a` of (30): the activation without the equaliser.
    #[must_use]
    pub fn activate(&self, v: i16) -> i16 {
        let bump = i32::from(self.bump.at(v.unsigned_abs()));
        let rise = i32::from(self.offset) - round_shift(bump, 17 - self.bump.fraction_bits);
        sat16(i32::from(v.max(0)) + rise)
    }
}

/// The least `offset` that (30) allows for the table `bump`.
#[must_use]
pub fn least_offset(bump: &Table) -> i16 {
    let greatest = (0..=32768_u16).map(|u| bump.at(u)).max().unwrap_or(0).max(0);
    round_shift(greatest.into(), 17 - bump.fraction_bits) as i16
}
