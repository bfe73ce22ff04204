//! Section 3 of `SPEC.md`: from a row of 16-bit integers to a row of 8-bit integers and one scale.

use crate::fixed::{bit_length, mul_q15, round_shift, sat16};

/// The scale of a row or of a block of rows: (5) and (6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// `m`, the greatest magnitude, in [1, 32767].
    pub max: i16,
    /// `h`, the shift that normalises `m`, in [0, 14].
    pub shift: i32,
}

/// How a row uses its 8 bits: for both signs, or for numbers of at least 0 only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// `x ~ q * m / 127`.
    Signed,
    /// `x ~ (q + 128) * m / 255`, for rows without a negative number.
    Unsigned,
}

impl Sign {
    /// `z` of (10), which is added to `q` to undo the offset of (9).
    #[must_use]
    pub const fn zero_point(self) -> i32 {
        match self {
            Self::Signed => 0,
            Self::Unsigned => 128,
        }
    }

    /// The greatest quantised magnitude.
    #[must_use]
    pub const fn levels(self) -> i32 {
        match self {
            Self::Signed => 127,
            Self::Unsigned => 255,
        }
    }
}

impl Scale {
    /// (5), (6) of the magnitudes of `values`.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = i16>) -> Self {
        let max = values.into_iter().map(|x| x.unsigned_abs()).max().unwrap_or(0);
        Self::of_max(max)
    }

    /// (5), (6) of a given greatest magnitude.
    #[must_use]
    pub const fn of_max(max: u16) -> Self {
        let max = if max == 0 {
            1
        } else if max > 32767 {
            32767
        } else {
            max as i16
        };
        Self { max, shift: 15 - bit_length(max as u32) }
    }

    /// `m_n`, in [16384, 32767].
    #[must_use]
    pub const fn normalised(self) -> i16 {
        self.max << self.shift
    }

    /// (7) The reciprocal that maps the greatest magnitude to all levels.
    #[must_use]
    pub const fn reciprocal(self, sign: Sign) -> i16 {
        let numerator: u32 = match sign {
            Sign::Signed => 127 << 22,
            Sign::Unsigned => 255 << 21,
        };
        (numerator / self.normalised() as u32) as i16
    }

    /// (8), (9) of one value.
    #[must_use]
    pub const fn quantize(self, x: i16, sign: Sign) -> i8 {
        let wide = mul_q15(sat16((x as i32) << self.shift), self.reciprocal(sign)) as i32;
        match sign {
            Sign::Signed => round_shift(wide, 7) as i8,
            Sign::Unsigned => (round_shift(wide, 6) - 128) as i8,
        }
    }
}

/// (5) to (9) of one row: writes `q`, returns the scale. `x` and `q` have the same length.
pub fn quantize_row(x: &[i16], sign: Sign, q: &mut [i8]) -> Scale {
    let scale = Scale::of(x.iter().copied());
    for (q, &x) in q.iter_mut().zip(x) {
        *q = scale.quantize(x, sign);
    }
    scale
}
