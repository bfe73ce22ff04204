//! The rounding of equation (1) for loops over many numbers.

/// `2^(s - 1)`, or 0 for `s < 1`: equation (1) adds it before its shift.
pub(crate) const fn half(s: i32) -> i32 {
    if s > 0 { 1 << (s - 1) } else { 0 }
}
