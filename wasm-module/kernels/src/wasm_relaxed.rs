//! Relaxed SIMD: products of 8-bit numbers four at a time.
//!
//! The instruction's result depends on the machine only where a byte of its second operand has the top bit
//! set. The stored weights lie in [1, 127], so there is one result.
#![allow(unsafe_code, reason = "loads")]

use core::arch::wasm32::*;

use lockstep_arith::activation::Activation;
use lockstep_arith::attention::HeadScale;
use lockstep_arith::rows::{Scale, Sign};

use crate::linear::Requantizer;
use crate::packed::{GROUP, PackedWeights};
use crate::product::Product;
use crate::wasm_simd::{ROWS, Tile};

/// A module with these functions is valid only where the instructions are known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Relaxed;

impl crate::isa::Isa for Relaxed {
    fn name(self) -> &'static str {
        "wasm-relaxed"
    }

    fn products(self, q: &[i8], weights: &PackedWeights, out: &mut [i32]) {
        // An engine without the instructions does not accept the module: the call is safe on this target.
        products(&Product::of_bytes(q, weights, out), out);
    }

    crate::wasm_simd::steps!();
}

#[target_feature(enable = "relaxed-simd")]
fn products(product: &Product<'_>, out: &mut [i32]) {
    for tile in Tile::all(product) {
        match tile.rows {
            1 => byte_tile::<1>(product, tile, out),
            2 => byte_tile::<2>(product, tile, out),
            3 => byte_tile::<3>(product, tile, out),
            _ => byte_tile::<ROWS>(product, tile, out),
        }
    }
}

#[target_feature(enable = "relaxed-simd")]
fn byte_tile<const R: usize>(product: &Product<'_>, tile: Tile, out: &mut [i32]) {
    tile.check(R, product);
    let groups = product.groups;
    let start = tile.column_start(product);
    let mut acc = [start; R];
    for (acc, sum) in acc.iter_mut().zip(&product.row_starts[tile.row..]) {
        *acc = acc.map(|acc| i32x4_add(acc, i32x4_splat(*sum)));
    }
    for g in 0..groups {
        // SAFETY: `panel < panels()`, `g < groups`: a line of 64 bytes, of which `half` chooses 32.
        let lines = unsafe {
            let line = product.lines.as_ptr().add(tile.panel * groups + g).cast::<v128>().add(2 * tile.half);
            [v128_load(line), v128_load(line.add(1))]
        };
        for (r, acc) in acc.iter_mut().enumerate() {
            // SAFETY: `row + r < rows`, `g < groups`: a group of 4 bytes of the left operand.
            let a =
                unsafe { v128_load32_splat(product.left.add(((tile.row + r) * groups + g) * GROUP).cast()) };
            for (acc, line) in acc.iter_mut().zip(lines) {
                *acc = i32x4_relaxed_dot_i8x16_i7x16_add(a, line, *acc);
            }
        }
    }
    for (r, acc) in acc.into_iter().enumerate() {
        tile.store(acc, r, product, out);
    }
}
