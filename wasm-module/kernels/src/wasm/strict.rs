//! Strict SIMD: products of 16-bit pairs. Inputs are widened once for each product, weights when
//! they are read.
#![allow(unsafe_code, reason = "loads")]

use core::arch::wasm32::*;

use super::rows;
use super::simd::ByteProducts;
use super::tile::{ROWS, Tile};
use super::unroll::each;
use crate::operands::product::Product;
use crate::operands::{GROUP, PackedWeights};

/// Products with the features of the target alone.
#[derive(Debug)]
pub(super) struct Strict;

impl ByteProducts for Strict {
    const NAME: &'static str = "wasm-strict";

    fn products(&self, q: &[i8], weights: &PackedWeights, out: &mut [i32]) {
        let wide = rows::wide(q);
        let product = Product::of_bytes(q, weights, out, rows::sum);
        for tile in Tile::all(&product) {
            match tile.rows {
                1 => byte_tile::<1>(&product, &wide, tile, out),
                2 => byte_tile::<2>(&product, &wide, tile, out),
                3 => byte_tile::<3>(&product, &wide, tile, out),
                _ => byte_tile::<ROWS>(&product, &wide, tile, out),
            }
        }
    }
}

/// Multiplies `R` rows by half a panel. `wide` is the left operand of the product in 16 bits.
fn byte_tile<const R: usize>(product: &Product<'_>, wide: &[i16], tile: Tile, out: &mut [i32]) {
    tile.check(R, product);
    let [low_start, high_start] = tile.column_start(product);
    let (low, high) = (quarter_tile::<R>(product, wide, tile, 0), quarter_tile::<R>(product, wide, tile, 1));
    for (r, (low, high)) in low.into_iter().zip(high).enumerate() {
        let start = i32x4_splat(product.row_starts[tile.row + r]);
        let sums =
            [i32x4_add(low, i32x4_add(low_start, start)), i32x4_add(high, i32x4_add(high_start, start))];
        tile.store(sums, r, product, out);
    }
}

/// Multiplies `R` rows by four columns. One register accumulates two columns: the even and the odd
/// pairs of inputs of each.
#[inline(never)]
fn quarter_tile<const R: usize>(
    product: &Product<'_>,
    wide: &[i16],
    tile: Tile,
    quarter: usize,
) -> [v128; R] {
    tile.check(R, product);
    let groups = product.groups;
    assert!(quarter < 2 && wide.len() == product.rows * groups * GROUP, "the left operand, widened");
    let mut acc = [[i32x4_splat(0); 2]; R];
    each!(g in 0..groups => {
        // SAFETY: `panel < panels()` and `g < groups`: a line of 64 bytes; `half` and `quarter`
        // select 16 of them.
        let line = unsafe {
            let line = product.lines.as_ptr().add(tile.panel * groups + g).cast::<v128>();
            v128_load(line.add(2 * tile.half + quarter))
        };
        let line = [u16x8_extend_low_u8x16(line), u16x8_extend_high_u8x16(line)];
        for (r, acc) in acc.iter_mut().enumerate() {
            // SAFETY: `row + r < rows` and `g < groups`: four of the `rows * groups * 4` numbers.
            let a =
                unsafe { v128_load64_splat(wide.as_ptr().add(((tile.row + r) * groups + g) * GROUP).cast()) };
            for (acc, line) in acc.iter_mut().zip(line) {
                *acc = i32x4_add(*acc, i32x4_dot_i16x8(a, line));
            }
        }
    });
    let mut sums = [i32x4_splat(0); R];
    for (sum, [low, high]) in sums.iter_mut().zip(acc) {
        let even = i32x4_shuffle::<0, 2, 4, 6>(low, high);
        *sum = i32x4_add(even, i32x4_shuffle::<1, 3, 5, 7>(low, high));
    }
    sums
}
