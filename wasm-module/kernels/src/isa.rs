//! What an instruction set's file provides.

use alloc::vec::Vec;

use lockstep_arith::activation::Activation;
use lockstep_arith::attention::{ContextScale, HeadScale};
use lockstep_arith::layer_norm::LayerNorm;
use lockstep_arith::rows::{Scale, Sign};

use crate::attention::{Attention, Buffers};
use crate::linear::{PackedLinear, QuantizedRows, Requantizer};
use crate::packed::{PackedPairs, PackedWeights};
use crate::scratch::room;
use crate::{attention, scalar, vector};

/// One instruction set. To hold a value is to have proof that this processor knows it. The provided methods
/// are the scalar ones, compiled for the target's baseline.
pub(crate) trait Isa: Copy {
    fn name(self) -> &'static str;

    fn products(self, q: &[i8], weights: &PackedWeights, out: &mut [i32]) {
        scalar::products(q, weights, out);
    }

    fn pair_products(self, a: &[i16], b: &PackedPairs, out: &mut [i32]) {
        scalar::pair_products(a, b, out);
    }

    /// (10), (11) of a block of rows.
    fn linear(self, rows: QuantizedRows<'_>, layer: &PackedLinear, out: &mut [i32]) {
        self.products(rows.q, &layer.weights, out);
        self.requantize(out, rows.scales, &layer.requantizer);
    }

    /// [`Self::linear`], narrowed by (3). `acc` is room for the sums.
    fn linear16(self, rows: QuantizedRows<'_>, layer: &PackedLinear, acc: &mut Vec<i32>, out: &mut [i16]) {
        let acc = room(acc, out.len(), 0);
        self.products(rows.q, &layer.weights, acc);
        self.requantize16(acc, rows.scales, &layer.requantizer, out);
    }

    /// [`Self::linear16`], then (28) to (30).
    fn linear_activate(
        self,
        rows: QuantizedRows<'_>,
        layer: &PackedLinear,
        activation: &Activation,
        acc: &mut Vec<i32>,
        out: &mut [i16],
    ) {
        self.linear16(rows, layer, acc, out);
        self.activate(out, activation);
    }

    /// [`Self::linear`], and the sum of (12).
    fn linear_sum(
        self,
        rows: QuantizedRows<'_>,
        layer: &PackedLinear,
        stream: &[i16],
        residual_shift: i32,
        sums: &mut [i32],
    ) {
        self.linear(rows, layer, sums);
        self.add_residual(stream, residual_shift, sums);
    }

    /// (19) to (27) of one head.
    fn attend(
        self,
        attention: &Attention,
        head: usize,
        projected: &[i16],
        context: &mut [i16],
        buffers: &mut Buffers,
    ) {
        attention::attend(self, attention, head, projected, context, buffers);
    }

    fn quantize(
        self,
        x: &[i16],
        width: usize,
        sign: Sign,
        q: &mut [i8],
        stride: usize,
        scales: &mut [Scale],
    ) {
        vector::quantize(x, width, sign, q, stride, scales);
    }

    fn quantize_wide(self, x: &[i16], scale: Scale, q: &mut [i16]) {
        vector::quantize_wide(x, scale, q);
    }

    fn requantize(self, acc: &mut [i32], scales: &[Scale], layer: &Requantizer) {
        vector::requantize(acc, scales, layer);
    }

    fn requantize16(self, acc: &[i32], scales: &[Scale], layer: &Requantizer, out: &mut [i16]) {
        vector::requantize16(acc, scales, layer, out);
    }

    fn add_residual(self, stream: &[i16], residual_shift: i32, sums: &mut [i32]) {
        vector::add_residual(stream, residual_shift, sums);
    }

    fn normalize(
        self,
        sums: &[i32],
        width: usize,
        norm: &LayerNorm,
        stream: &mut [i16],
        equalised: &mut [i16],
    ) {
        vector::normalize(sums, width, norm, stream, equalised);
    }

    fn activate(self, v: &mut [i16], activation: &Activation) {
        vector::activate(v, activation);
    }

    fn softmax(
        self,
        scores: &[i32],
        n: usize,
        head: HeadScale,
        p: &mut [i16],
        stride: usize,
        sums: &mut [u32],
    ) {
        vector::softmax(scores, n, head, p, stride, sums);
    }

    fn context(self, weighted: &[i32], scale: ContextScale, out: &mut [i16]) {
        vector::context(weighted, scale, out);
    }

    fn accumulate(self, row: &[i16], sums: &mut [i32]) {
        vector::accumulate(row, sums);
    }

    fn embed(self, word: &[i8], scale: i16, position: &[i16], kind: &[i16], shift: i32, sums: &mut [i32]) {
        vector::embed(word, scale, position, kind, shift, sums);
    }
}

/// The plain steps of `vector.rs`, compiled with the features of an instruction set: methods of [`Isa`].
#[cfg(target_arch = "x86_64")]
macro_rules! forward_steps {
    ($features:literal) => {
        $crate::isa::forward_steps! {
            $features;
            quantize(x: &[i16], width: usize, sign: Sign, q: &mut [i8], stride: usize, scales: &mut [Scale]);
            quantize_wide(x: &[i16], scale: Scale, q: &mut [i16]);
            requantize(acc: &mut [i32], scales: &[Scale], layer: &Requantizer);
            requantize16(acc: &[i32], scales: &[Scale], layer: &Requantizer, out: &mut [i16]);
            add_residual(stream: &[i16], residual_shift: i32, sums: &mut [i32]);
            normalize(sums: &[i32], width: usize, norm: &LayerNorm, stream: &mut [i16], equalised: &mut [i16]);
            softmax(scores: &[i32], n: usize, head: HeadScale, p: &mut [i16], stride: usize, sums: &mut [u32]);
            context(weighted: &[i32], scale: ContextScale, out: &mut [i16]);
            accumulate(row: &[i16], sums: &mut [i32]);
            embed(word: &[i8], scale: i16, position: &[i16], kind: &[i16], shift: i32, sums: &mut [i32]);
        }
    };
    ($features:literal; $($name:ident($($argument:ident: $type:ty),*);)*) => {$(
        fn $name(self, $($argument: $type),*) {
            #[target_feature(enable = $features)]
            fn vectorized($($argument: $type),*) {
                vector::$name($($argument),*);
            }
            // SAFETY: `self` proves the features.
            unsafe { vectorized($($argument),*) }
        }
    )*};
}
#[cfg(target_arch = "x86_64")]
pub(crate) use forward_steps;
