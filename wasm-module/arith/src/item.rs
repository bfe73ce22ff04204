//! Section 11 of `SPEC.md`: the compact vector of a text, and its parts for a search.

use alloc::vec::Vec;

/// The greatest magnitude of a number of a compact vector.
pub const LARGEST: i16 = 32767;

/// (40) The compact vector of the pooled integers of a text. Its numbers lie in [-32767, 32767].
#[must_use]
pub fn compact(pooled: &[i32]) -> Vec<i16> {
    let largest = pooled.iter().map(|p| p.unsigned_abs()).max().unwrap_or(0);
    pooled.iter().map(|&p| compacted(p, largest)).collect()
}

/// (40) of one number, at most `largest` in magnitude.
fn compacted(p: i32, largest: u32) -> i16 {
    if largest == 0 {
        return 0;
    }
    let m = i64::from(largest);
    // At least 3 m and at most 131071 m: the division rounds down, as (40) has it.
    let sum = 65534 * i64::from(p) + 65537 * m;
    (sum / (2 * m) - 32768) as i16
}

/// (41) `sum a[j] * b[j]` of two compact vectors, exactly. They have the same length.
#[must_use]
pub fn dot(a: &[i16], b: &[i16]) -> i64 {
    a.iter().zip(b).map(|(&a, &b)| i64::from(a) * i64::from(b)).sum()
}

/// (43) The high and the low part of a number: `c = 256 * high + low`.
#[must_use]
pub const fn split(c: i16) -> (i8, u8) {
    ((c >> 8) as i8, c as u8)
}

/// (43) The number with these parts.
#[must_use]
pub const fn join(high: i8, low: u8) -> i16 {
    ((high as i16) << 8) | low as i16
}

/// (44) `sum q[j] * high[j]` of a compact vector and the high parts of another, exactly.
#[must_use]
pub fn high_dot(q: &[i16], high: &[i8]) -> i64 {
    q.iter().zip(high).map(|(&q, &high)| i64::from(q) * i64::from(high)).sum()
}
