//! Strict SIMD: products of 16-bit pairs. Inputs are widened once a product, weights as they are read.
#![allow(unsafe_code, reason = "loads")]

use alloc::vec::Vec;
use core::arch::wasm32::*;

use lockstep_arith::activation::Activation;
use lockstep_arith::attention::HeadScale;
use lockstep_arith::layer_norm::LayerNorm;
use lockstep_arith::rows::{Scale, Sign};

use crate::linear::Requantizer;
use crate::packed::{GROUP, PackedWeights};
use crate::product::Product;
use crate::wasm_simd::{ROWS, Tile};

/// Needs nothing beyond the target's features.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strict;

impl crate::isa::Isa for Strict {
    fn name(self) -> &'static str {
        "wasm-strict"
    }

    fn products(self, q: &[i8], weights: &PackedWeights, out: &mut [i32]) {
        let wide: Vec<i16> = q.iter().map(|&q| q.into()).collect();
        let product = Product::of_bytes(q, weights, out);
        for tile in Tile::all(&product) {
            match tile.rows {
                1 => byte_tile::<1>(&product, &wide, tile, out),
                2 => byte_tile::<2>(&product, &wide, tile, out),
                3 => byte_tile::<3>(&product, &wide, tile, out),
                _ => byte_tile::<ROWS>(&product, &wide, tile, out),
            }
        }
    }

    crate::wasm_simd::steps!();
}

/// `R` rows by half a panel. `wide` holds the product's left operand in 16 bits.
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

/// `R` rows by four columns. A register accumulates two columns: the even and the odd pairs of inputs of each.
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
    for g in 0..groups {
        // SAFETY: `panel < panels()`, `g < groups`: a line of 64 bytes, of which `half` and `quarter` choose 16.
        let line = unsafe {
            let line = product.lines.as_ptr().add(tile.panel * groups + g).cast::<v128>();
            v128_load(line.add(2 * tile.half + quarter))
        };
        let line = [u16x8_extend_low_u8x16(line), u16x8_extend_high_u8x16(line)];
        for (r, acc) in acc.iter_mut().enumerate() {
            // SAFETY: `row + r < rows`, `g < groups`: four of the `rows * groups * 4` numbers.
            let a =
                unsafe { v128_load64_splat(wide.as_ptr().add(((tile.row + r) * groups + g) * GROUP).cast()) };
            for (acc, line) in acc.iter_mut().zip(line) {
                *acc = i32x4_add(*acc, i32x4_dot_i16x8(a, line));
            }
        }
    }
    let mut sums = [i32x4_splat(0); R];
    for (sum, [low, high]) in sums.iter_mut().zip(acc) {
        let even = i32x4_shuffle::<0, 2, 4, 6>(low, high);
        *sum = i32x4_add(even, i32x4_shuffle::<1, 3, 5, 7>(low, high));
    }
    sums
}
