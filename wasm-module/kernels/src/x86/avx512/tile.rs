//! The tiles of AVX-512 VNNI: at most 8 rows by 3 panels, or 6 rows by 4. Both have 24 registers of
//! sums.
#![allow(unsafe_code, reason = "the operands are read by address")]

use core::arch::x86_64::*;

use crate::operands::{COLUMNS, GROUP, Line};

/// Greatest number of rows of a tile of at most 3 panels.
pub(crate) const ROWS: usize = 8;
/// Greatest number of rows of a tile of 4 panels.
pub(crate) const WIDE_ROWS: usize = 6;
/// Greatest number of panels of a tile.
pub(crate) const WIDE_PANELS: usize = 4;

/// Mode: rows of signed bytes, lines of unsigned bytes.
pub(crate) const BYTES: u8 = 0;
/// Mode: rows of unsigned bytes, lines of signed bytes.
pub(crate) const UNSIGNED_ROWS: u8 = 1;
/// Mode: rows and lines of 16-bit numbers.
pub(crate) const PAIRS: u8 = 2;
/// Mode: as [`PAIRS`], and the rows are the columns of a panel of lines.
pub(crate) const COLUMNS_OF_PAIRS: u8 = 3;

/// Groups of products between two steps.
const STRIDE: usize = 8;

/// The operands of one tile.
#[derive(Clone, Copy)]
pub(crate) struct Operands {
    /// Rows of `groups` groups of 4 bytes, `stride` bytes apart.
    pub(crate) left: *const u8,
    pub(crate) stride: usize,
    /// Panels of `groups` lines.
    pub(crate) lines: *const Line,
    pub(crate) groups: usize,
    /// The lines that are probably read next. They are only prefetched, so any address is allowed.
    pub(crate) next: *const Line,
    /// The numbers that the sums of each row and of each column start with.
    pub(crate) row_starts: *const i32,
    pub(crate) column_starts: *const i32,
    /// The results: rows of whole panels of sums, `out_stride` numbers apart.
    pub(crate) out: *mut i32,
    pub(crate) out_stride: usize,
}

/// Multiplies `rows` rows by `panels` panels.
///
/// # Safety
/// All operands except `next` have that many rows and panels.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
#[inline]
pub(crate) unsafe fn tile<const MODE: u8>(rows: usize, panels: usize, operands: Operands) {
    let plain = Plain { out: operands.out, stride: operands.out_stride };
    macro_rules! tile {
        ($($rows:literal)*; $($wide:literal)*) => {
            match (rows, panels) {
                $(
                    // SAFETY: the caller's promise.
                    ($wide, 4) => unsafe { sized::<$wide, 4, MODE>(&operands, plain) },
                )*
                $(
                    // SAFETY: the caller's promise.
                    ($rows, 1) => unsafe { sized::<$rows, 1, MODE>(&operands, plain) },
                    // SAFETY: the caller's promise.
                    ($rows, 2) => unsafe { sized::<$rows, 2, MODE>(&operands, plain) },
                    // SAFETY: the caller's promise.
                    ($rows, 3) => unsafe { sized::<$rows, 3, MODE>(&operands, plain) },
                )*
                _ => unreachable!("a tile has 1 to 8 rows and 1 to 3 panels, or 1 to 6 and 4"),
            }
        };
    }
    tile!(1 2 3 4 5 6 7 8; 1 2 3 4 5 6);
}

/// What a tile does with its sums, and what it does between its products.
pub(crate) trait Steps {
    /// Number of steps to do between products. Products keep two of the processor's execution ports
    /// busy; a step that uses the other ports costs almost no time.
    fn count(&self) -> usize;

    /// Does step `index`.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn step(&mut self, index: usize);

    /// Takes the sums of one row of the tile.
    ///
    /// # Safety
    /// The processor has the instruction set; the tile has that row and `P` panels.
    unsafe fn take<const P: usize>(&mut self, row: usize, sums: [__m512i; P]);
}

/// Stores the sums unchanged.
struct Plain {
    out: *mut i32,
    stride: usize,
}

impl Steps for Plain {
    fn count(&self) -> usize {
        0
    }

    #[inline(always)]
    unsafe fn step(&mut self, _index: usize) {}

    #[inline(always)]
    unsafe fn take<const P: usize>(&mut self, row: usize, sums: [__m512i; P]) {
        for (p, sums) in sums.into_iter().enumerate() {
            // SAFETY: `out` has room for a row of `P` panels.
            unsafe { _mm512_storeu_si512(self.out.add(row * self.stride + p * COLUMNS).cast(), sums) };
        }
    }
}

/// Multiplies four to six rows by four panels of bytes, with steps between the products.
///
/// # Safety
/// As [`tile`], except for the outputs, which `steps` has instead.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
#[inline]
pub(crate) unsafe fn tile_between(rows: usize, operands: &Operands, steps: impl Steps) {
    // SAFETY: the caller's promise.
    unsafe {
        match rows {
            4 => sized::<4, 4, BYTES>(operands, steps),
            5 => sized::<5, 4, BYTES>(operands, steps),
            6 => sized::<6, 4, BYTES>(operands, steps),
            _ => unreachable!("four to six rows"),
        }
    }
}

/// Multiplies `R` rows by `P` panels, with the steps between the groups of products.
///
/// # Safety
/// As [`tile`] and as [`Steps::take`] for `R` rows of `P` panels.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
#[inline(never)]
unsafe fn sized<const R: usize, const P: usize, const MODE: u8>(operands: &Operands, mut steps: impl Steps) {
    let &Operands { groups, row_starts, column_starts, .. } = operands;
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
    let (count, strides) = (steps.count(), groups / STRIDE);
    let mut g = 0;
    for i in 0..strides {
        for _ in 0..STRIDE {
            // SAFETY: the caller's promise; `g < groups`.
            unsafe { multiply::<R, P, MODE>(operands, g, &mut acc) };
            g += 1;
        }
        if i < count {
            // SAFETY: the caller's promise.
            unsafe { steps.step(i) };
        }
    }
    while g < groups {
        // SAFETY: the caller's promise; `g < groups`.
        unsafe { multiply::<R, P, MODE>(operands, g, &mut acc) };
        g += 1;
    }
    for i in strides..count {
        // SAFETY: the caller's promise.
        unsafe { steps.step(i) };
    }
    for (r, acc) in acc.into_iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { steps.take(r, acc) };
    }
}

/// Multiplies one group of `R` rows by `P` panels. Inlined by force, so that the sums stay in
/// registers.
///
/// # Safety
/// As [`tile`]; `g` is less than the number of groups.
#[inline(always)]
unsafe fn multiply<const R: usize, const P: usize, const MODE: u8>(
    operands: &Operands,
    g: usize,
    acc: &mut [[__m512i; P]; R],
) {
    let &Operands { left, stride, lines, groups, next, .. } = operands;
    // SAFETY: `R` rows and `P` panels of `groups` groups. A prefetch takes any address.
    unsafe {
        let mut line = [_mm512_setzero_si512(); P];
        for (p, line) in line.iter_mut().enumerate() {
            *line = _mm512_load_si512(lines.add(p * groups + g).cast());
            _mm_prefetch::<_MM_HINT_T1>(next.wrapping_add(p * groups + g).cast());
        }
        for (r, acc) in acc.iter_mut().enumerate() {
            let at = if MODE == COLUMNS_OF_PAIRS {
                left.add(r * GROUP + g * size_of::<Line>())
            } else {
                left.add(r * stride + g * GROUP)
            };
            let a = _mm512_set1_epi32(at.cast::<i32>().read_unaligned());
            for (acc, line) in acc.iter_mut().zip(line) {
                *acc = match MODE {
                    BYTES => _mm512_dpbusd_epi32(*acc, line, a),
                    UNSIGNED_ROWS => _mm512_dpbusd_epi32(*acc, a, line),
                    _ => _mm512_dpwssd_epi32(*acc, a, line),
                };
            }
        }
    }
}
