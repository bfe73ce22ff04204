//! Strict SIMD: products of 16-bit pairs. Inputs are widened once a product, weights as they are read.
#![allow(unsafe_code, reason = "loads")]

use alloc::vec::Vec;
use core::arch::wasm32::*;

use lockstep_arith::activation::Activation;
use lockstep_arith::attention::HeadScale;
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

/// `wide` holds the product's left operand in 16 bits.
fn byte_tile<const R: usize>(product: &Product<'_>, wide: &[i16], tile: Tile, out: &mut [i32]) {
    tile.check(R, product);
    let groups = product.groups;
    assert_eq!(wide.len(), product.rows * groups * GROUP, "as many numbers as the left operand has bytes");
    let start = tile.column_start(product);
    let mut acc = [start; R];
    for g in 0..groups {
        // SAFETY: `panel < panels()`, `g < groups`: a line of 64 bytes. Each of its two halves holds two
        // inputs of 16 columns; `half` chooses 16 bytes of both.
        let lines = unsafe {
            let line = product.lines.as_ptr().add(tile.panel * groups + g).cast::<v128>().add(tile.half);
            [v128_load(line), v128_load(line.add(2))]
        };
        for (pair, line) in lines.into_iter().enumerate() {
            let line = [i16x8_extend_low_i8x16(line), i16x8_extend_high_i8x16(line)];
            for (r, acc) in acc.iter_mut().enumerate() {
                // SAFETY: `row + r < rows`, `g < groups`, `pair < 2`: two of the `rows * groups * 4` numbers.
                let a = unsafe {
                    let at = ((tile.row + r) * groups + g) * GROUP + 2 * pair;
                    v128_load32_splat(wide.as_ptr().add(at).cast())
                };
                for (acc, line) in acc.iter_mut().zip(line) {
                    *acc = i32x4_add(*acc, i32x4_dot_i16x8(a, line));
                }
            }
        }
    }
    for (r, acc) in acc.into_iter().enumerate() {
        tile.store(acc, r, product, out);
    }
}
