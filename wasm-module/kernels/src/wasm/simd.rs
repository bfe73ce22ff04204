//! A kernel of WebAssembly's 128-bit vectors. The strict and the relaxed one differ in the products
//! of bytes.

use core::fmt::Debug;

use lockstep_arith::activation::Activation;
use lockstep_arith::attention::HeadScale;
use lockstep_arith::layer_norm::LayerNorm;
use lockstep_arith::rows::{Scale, Sign};

use super::{items, rows, steps, tile};
use crate::isa::Isa;
use crate::operands::product::Product;
use crate::operands::{PackedPairs, PackedWeights, Requantizer};

/// A way to multiply bytes.
pub(super) trait ByteProducts: Debug + Sync {
    /// The name of the kernel.
    const NAME: &'static str;

    /// (10): [`Isa::products`].
    fn products(&self, q: &[i8], weights: &PackedWeights, out: &mut [i32]);
}

/// The kernel that multiplies bytes by `P`.
#[derive(Debug)]
pub(super) struct Simd<P>(pub(super) P);

impl<P: ByteProducts> Isa for Simd<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn products(&self, q: &[i8], weights: &PackedWeights, out: &mut [i32]) {
        self.0.products(q, weights, out);
    }

    fn pair_products(&self, a: &[i16], b: &PackedPairs, out: &mut [i32]) {
        tile::pair_products(&Product::of_pairs(a, b, out), out);
    }

    fn quantize(
        &self,
        x: &[i16],
        width: usize,
        sign: Sign,
        q: &mut [i8],
        stride: usize,
        scales: &mut [Scale],
    ) {
        rows::quantize(x, width, sign, q, stride, scales);
    }

    fn quantize_wide(&self, x: &[i16], scale: Scale, q: &mut [i16]) {
        rows::quantize_wide(x, scale, q);
    }

    fn requantize(&self, acc: &mut [i32], scales: &[Scale], layer: &Requantizer) {
        steps::requantize(acc, scales, layer);
    }

    fn requantize16(&self, acc: &[i32], scales: &[Scale], layer: &Requantizer, out: &mut [i16]) {
        steps::requantize16(acc, scales, layer, out);
    }

    fn normalize(
        &self,
        sums: &[i32],
        width: usize,
        norm: &LayerNorm,
        stream: &mut [i16],
        equalised: &mut [i16],
    ) {
        steps::normalize(sums, width, norm, stream, equalised);
    }

    fn activate(&self, v: &mut [i16], activation: &Activation) {
        steps::activate(v, activation);
    }

    fn softmax(
        &self,
        scores: &[i32],
        n: usize,
        head: HeadScale,
        p: &mut [i16],
        stride: usize,
        sums: &mut [u32],
    ) {
        steps::softmax(scores, n, head, p, stride, sums);
    }

    fn dots(&self, query: &[i16], rows: &[i16], out: &mut [i64]) {
        items::dots(query, rows, out);
    }

    fn high_dots(&self, queries: &[i16], width: usize, rows: &[i8], out: &mut [i64]) {
        items::high_dots(queries, width, rows, out);
    }
}
