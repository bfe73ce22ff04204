//! Section 1 of `SPEC.md`: the one rounding rule, and the operations that use it.

/// (1) `x / 2^s`, rounded half up. If `s` is negative, `x << -s`.
#[must_use]
pub const fn round_shift(x: i32, s: i32) -> i32 {
    if s > 0 { (x + (1 << (s - 1))) >> s } else { x << -s }
}

/// (1) for the 64-bit products of (12), (14), (33) and (35).
#[must_use]
pub const fn round_shift_wide(x: i64, s: u32) -> i64 {
    (x + (1 << (s - 1))) >> s
}

/// `R` of (12), (33) and (35): `2^bits / n`, rounded half up. `n` is at least 1, `bits` at most 40.
#[must_use]
pub const fn reciprocal(n: usize, bits: u32) -> i64 {
    let n = n as i64;
    ((2 << bits) + n) / (2 * n)
}

/// (2) The product of two Q15 numbers. `b` is never -32768, so the result fits.
#[must_use]
pub const fn mul_q15(a: i16, b: i16) -> i16 {
    round_shift(a as i32 * b as i32, 15) as i16
}

/// (3) The nearest 16-bit integer.
#[must_use]
pub const fn sat16(x: i32) -> i16 {
    if x < i16::MIN as i32 {
        i16::MIN
    } else if x > i16::MAX as i32 {
        i16::MAX
    } else {
        x as i16
    }
}

/// (4) The number of significant bits; 0 for 0.
#[must_use]
pub const fn bit_length(x: u32) -> i32 {
    (u32::BITS - x.leading_zeros()) as i32
}

/// (15) The integer square root, in 16 fixed steps.
#[must_use]
pub const fn floor_sqrt(v: u32) -> u32 {
    let mut root = 0;
    let mut bit = 1 << 15;
    while bit > 0 {
        let candidate: u32 = root | bit;
        // candidate <= 65535, so its square fits 32 bits.
        if candidate * candidate <= v {
            root = candidate;
        }
        bit >>= 1;
    }
    root
}
