//! The tiles of a product: up to four rows by half a panel.
#![allow(unsafe_code, reason = "loads")]

use alloc::vec::Vec;
use core::arch::wasm32::*;

use super::unroll::each;
use super::vectors::{load32, store32};
use crate::operands::product::Product;
use crate::operands::{COLUMNS, GROUP};

/// Rows of a tile. With eight columns, 8 of the 16 registers of an x86 processor accumulate.
pub(crate) const ROWS: usize = 4;
/// Columns of a tile: half a panel.
pub(crate) const WIDTH: usize = 8;

/// Up to [`ROWS`] rows by half a panel.
#[derive(Clone, Copy)]
pub(crate) struct Tile {
    pub(crate) row: usize,
    pub(crate) rows: usize,
    pub(crate) panel: usize,
    pub(crate) half: usize,
}

/// The sums of a tile. A function that returns them makes no calls: around a call, an engine would
/// keep the sums in memory.
pub(crate) type Sums = [[v128; 2]; ROWS];

impl Tile {
    /// All tiles of a product, half panel after half panel: its weights stay in the first-level
    /// cache for all rows.
    pub(crate) fn all(product: &Product<'_>) -> impl Iterator<Item = Self> {
        (0..product.columns.div_ceil(WIDTH)).flat_map(|i| {
            product.row_tiles(ROWS).map(move |(row, rows)| Self { row, rows, panel: i / 2, half: i % 2 })
        })
    }

    /// Asserts that `rows` rows from the first one of the tile lie in `product`, and that its half
    /// panel does.
    pub(crate) fn check(self, rows: usize, product: &Product<'_>) {
        assert!(self.row + rows <= product.rows && self.panel < product.panels() && self.half < 2);
    }

    /// The numbers that the sums of the columns start with.
    pub(crate) fn column_start(self, product: &Product<'_>) -> [v128; 2] {
        let (halves, _) = product.column_start(self.panel).as_chunks::<WIDTH>();
        load32(&halves[self.half])
    }

    /// Writes the sums of all rows of the tile.
    pub(crate) fn store_rows(self, sums: &Sums, product: &Product<'_>, out: &mut [i32]) {
        for (r, sums) in sums.iter().enumerate().take(self.rows) {
            self.store(*sums, r, product, out);
        }
    }

    /// Writes the eight sums of one row of the tile, or fewer at the last columns of the product.
    pub(crate) fn store(self, acc: [v128; 2], row: usize, product: &Product<'_>, out: &mut [i32]) {
        let out = &mut product.cell(self.row + row, self.panel, out)[self.half * WIDTH..];
        // Stores of vectors: a copy of an array would become a call of `memory.copy`.
        match out.first_chunk_mut() {
            Some(out) => store32(acc, out),
            None => {
                let mut sums = [0; WIDTH];
                store32(acc, &mut sums);
                out.copy_from_slice(&sums[..out.len()]);
            }
        }
    }
}

/// (19), (24): [`crate::Isa::pair_products`].
pub(crate) fn pair_products(product: &Product<'_>, out: &mut [i32]) {
    let groups = product.groups;
    let mut strips = Vec::with_capacity(product.rows.div_ceil(ROWS) * groups);
    for row in (0..product.rows).step_by(ROWS) {
        // SAFETY: at least this number of rows of the left operand follow.
        unsafe {
            let first = product.left.add(row * groups * GROUP);
            interleave(first, (product.rows - row).min(ROWS), groups, |line| strips.push(line));
        }
    }
    for half in 0..product.columns.div_ceil(WIDTH) {
        for (i, strip) in strips.chunks_exact(groups).enumerate() {
            let row = i * ROWS;
            let tile = Tile { row, rows: (product.rows - row).min(ROWS), panel: half / 2, half: half % 2 };
            tile.store_rows(&pair_tile(product, strip, tile), product, out);
        }
    }
}

/// Interleaves up to [`ROWS`] rows of groups of four bytes: `each` gets one group of all rows.
/// Missing rows are zeros.
///
/// # Safety
/// At `left` there are `rows` rows of `groups` groups.
#[inline(always)]
unsafe fn interleave(left: *const u8, rows: usize, groups: usize, mut each: impl FnMut(v128)) {
    let row = |r: usize, g: usize| left.wrapping_add((r * groups + g) * GROUP);
    let whole = if rows == ROWS { groups / 4 * 4 } else { 0 };
    for g in (0..whole).step_by(4) {
        // SAFETY: the caller's promise; four groups follow in each of the four rows.
        let [a, b, c, d] = unsafe { [0, 1, 2, 3].map(|r| v128_load(row(r, g).cast())) };
        let (ab, cd) = (i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<0, 4, 1, 5>(c, d));
        each(i64x2_shuffle::<0, 2>(ab, cd));
        each(i64x2_shuffle::<1, 3>(ab, cd));
        let (ab, cd) = (i32x4_shuffle::<2, 6, 3, 7>(a, b), i32x4_shuffle::<2, 6, 3, 7>(c, d));
        each(i64x2_shuffle::<0, 2>(ab, cd));
        each(i64x2_shuffle::<1, 3>(ab, cd));
    }
    for g in whole..groups {
        let mut line = [0; ROWS];
        for (r, group) in line[..rows].iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            *group = unsafe { row(r, g).cast::<u32>().read_unaligned() };
        }
        each(u32x4(line[0], line[1], line[2], line[3]));
    }
}

/// Multiplies four interleaved rows by half a panel. A separate function, so that no other values
/// need its registers.
#[inline(never)]
fn pair_tile(product: &Product<'_>, strip: &[v128], tile: Tile) -> Sums {
    tile.check(tile.rows, product);
    let panel = &product.lines[tile.panel * product.groups..][..product.groups];
    let mut acc = [[i32x4_splat(0); 2]; ROWS];
    each!((line, &inputs) in panel.iter().zip(strip) => {
        // SAFETY: 32 of the 64 bytes of a line.
        let line = unsafe {
            let at = line.0.as_ptr().cast::<v128>().add(2 * tile.half);
            [v128_load(at), v128_load(at.add(1))]
        };
        let rows = [
            i32x4_shuffle::<0, 0, 0, 0>(inputs, inputs),
            i32x4_shuffle::<1, 1, 1, 1>(inputs, inputs),
            i32x4_shuffle::<2, 2, 2, 2>(inputs, inputs),
            i32x4_shuffle::<3, 3, 3, 3>(inputs, inputs),
        ];
        for (acc, row) in acc.iter_mut().zip(rows) {
            for (acc, line) in acc.iter_mut().zip(line) {
                *acc = i32x4_add(*acc, i32x4_dot_i16x8(row, line));
            }
        }
    });
    acc
}

const _: () = assert!(WIDTH * 2 == COLUMNS);
