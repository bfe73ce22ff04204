//! Loads and stores of vectors.
#![allow(unsafe_code, reason = "loads and stores")]

use core::arch::wasm32::*;

/// Numbers of 16 bits in a vector.
pub(super) const LANES: usize = 8;

/// Loads sixteen bytes.
#[inline]
pub(super) fn load8(x: &[i8; 2 * LANES]) -> v128 {
    // SAFETY: sixteen bytes.
    unsafe { v128_load(x.as_ptr().cast()) }
}

/// Loads eight numbers of 16 bits.
#[inline]
pub(super) fn load16(x: &[i16; LANES]) -> v128 {
    // SAFETY: eight numbers of 16 bits.
    unsafe { v128_load(x.as_ptr().cast()) }
}

/// Stores eight numbers of 16 bits.
#[inline]
pub(super) fn store16(x: v128, out: &mut [i16; LANES]) {
    // SAFETY: eight numbers of 16 bits.
    unsafe { v128_store(out.as_mut_ptr().cast(), x) }
}

/// Loads eight numbers of 32 bits.
#[inline]
pub(super) fn load32(x: &[i32; LANES]) -> [v128; 2] {
    // SAFETY: eight numbers of 32 bits.
    unsafe { [v128_load(x.as_ptr().cast()), v128_load(x.as_ptr().add(4).cast())] }
}

/// Stores eight numbers of 32 bits.
#[inline]
pub(super) fn store32(x: [v128; 2], out: &mut [i32; LANES]) {
    // SAFETY: eight numbers of 32 bits.
    unsafe {
        v128_store(out.as_mut_ptr().cast(), x[0]);
        v128_store(out.as_mut_ptr().add(4).cast(), x[1]);
    }
}

/// Loads eight bytes, each widened to 16 bits.
#[inline]
pub(super) fn widen8(x: &[i8; LANES]) -> v128 {
    // SAFETY: eight bytes.
    unsafe { i16x8_load_extend_i8x8(x.as_ptr()) }
}

/// The sum of four lanes, modulo 2^32.
pub(super) fn sum_of_lanes(x: v128) -> i32 {
    let pairs = i32x4_add(x, i32x4_shuffle::<2, 3, 0, 1>(x, x));
    i32x4_extract_lane::<0>(pairs).wrapping_add(i32x4_extract_lane::<1>(pairs))
}
