//! The tiles of AVX-512 VNNI: up to 8 rows by 3 panels or 6 rows by 4, 24 registers of sums.
#![allow(unsafe_code, reason = "the operands are read by address")]

use core::arch::x86_64::*;

use crate::packed::{COLUMNS, GROUP, Line};

/// Most rows of a tall tile.
pub(crate) const ROWS: usize = 8;
/// Most panels of a tall tile.
pub(crate) const PANELS: usize = 3;
/// Most rows of a wide tile.
pub(crate) const WIDE_ROWS: usize = 6;
/// Most panels of a wide tile.
pub(crate) const WIDE_PANELS: usize = 4;

/// The operands of one tile.
#[derive(Clone, Copy)]
pub(crate) struct Operands {
    /// Rows of `groups` groups of 4 bytes, `stride` bytes apart.
    pub(crate) left: *const u8,
    pub(crate) stride: usize,
    /// Panels of `groups` lines.
    pub(crate) lines: *const Line,
    pub(crate) groups: usize,
    /// What is likely to be read after `lines`: any address, as it is only prefetched.
    pub(crate) next: *const Line,
    /// What the sums of each row and of each column begin with.
    pub(crate) row_starts: *const i32,
    pub(crate) column_starts: *const i32,
    /// Rows of whole panels of sums, `out_stride` numbers apart.
    pub(crate) out: *mut i32,
    pub(crate) out_stride: usize,
}

/// `rows` rows by `panels` panels of 8-bit numbers (signed rows, unsigned lines), or of signed pairs of 16 bits.
///
/// # Safety
/// All operands but `next` have that many rows, panels and groups.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
#[inline]
pub(crate) unsafe fn tile<const PAIRS: bool>(rows: usize, panels: usize, operands: Operands) {
    macro_rules! tile {
        ($($rows:literal)*; $($wide:literal)*) => {
            match (rows, panels) {
                $(
                    // SAFETY: the caller's promise.
                    ($wide, 4) => unsafe { sized::<$wide, 4, PAIRS>(&operands) },
                )*
                $(
                    // SAFETY: the caller's promise.
                    ($rows, 1) => unsafe { sized::<$rows, 1, PAIRS>(&operands) },
                    // SAFETY: the caller's promise.
                    ($rows, 2) => unsafe { sized::<$rows, 2, PAIRS>(&operands) },
                    // SAFETY: the caller's promise.
                    ($rows, 3) => unsafe { sized::<$rows, 3, PAIRS>(&operands) },
                )*
                _ => unreachable!("a tile has 1 to 8 rows and 1 to 3 panels, or 1 to 6 and 4"),
            }
        };
    }
    tile!(1 2 3 4 5 6 7 8; 1 2 3 4 5 6);
}

/// `R` rows by `P` panels.
///
/// # Safety
/// As [`tile`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
#[inline(never)]
unsafe fn sized<const R: usize, const P: usize, const PAIRS: bool>(operands: &Operands) {
    let &Operands { left, stride, lines, groups, next, row_starts, column_starts, out, out_stride } =
        operands;
    let mut acc = [[_mm512_setzero_si512(); P]; R];
    for (r, acc) in acc.iter_mut().enumerate() {
        // SAFETY: `R` row starts and `P` panels of column starts.
        unsafe {
            let start = _mm512_set1_epi32(*row_starts.add(r));
            for (p, acc) in acc.iter_mut().enumerate() {
                *acc = _mm512_add_epi32(start, _mm512_loadu_si512(column_starts.add(p * COLUMNS).cast()));
            }
        }
    }
    for g in 0..groups {
        let mut line = [_mm512_setzero_si512(); P];
        for (p, line) in line.iter_mut().enumerate() {
            // SAFETY: `P` panels of `groups` lines. A prefetch takes any address.
            unsafe {
                *line = _mm512_load_si512(lines.add(p * groups + g).cast());
                _mm_prefetch::<_MM_HINT_T1>(next.wrapping_add(p * groups + g).cast());
            }
        }
        for (r, acc) in acc.iter_mut().enumerate() {
            // SAFETY: `R` rows of `groups` groups.
            let a = unsafe { left.add(r * stride + g * GROUP).cast::<i32>().read_unaligned() };
            let a = _mm512_set1_epi32(a);
            for (acc, line) in acc.iter_mut().zip(line) {
                *acc = if PAIRS {
                    _mm512_dpwssd_epi32(*acc, a, line)
                } else {
                    _mm512_dpbusd_epi32(*acc, line, a)
                };
            }
        }
    }
    for (r, acc) in acc.into_iter().enumerate() {
        for (p, acc) in acc.into_iter().enumerate() {
            // SAFETY: room for `R` rows of `P` panels.
            unsafe { _mm512_storeu_si512(out.add(r * out_stride + p * COLUMNS).cast(), acc) };
        }
    }
}
