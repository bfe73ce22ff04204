//! AVX-512 with VNNI: 16 columns in one instruction.
#![allow(unsafe_code, reason = "the entry into functions that need the instruction set")]

use std::vec::Vec;

use lockstep_arith::activation::Activation;
use lockstep_arith::attention::{ContextScale, HeadScale};
use lockstep_arith::layer_norm::LayerNorm;
use lockstep_arith::rows::{Scale, Sign};

use super::forward::forward_steps;
use crate::isa::Isa;
use crate::operands::{
    Head, HeadBuffers, PackedLinear, PackedPairs, PackedWeights, QuantizedRows, Requantizer,
};

mod attention;
mod linear;
mod rows;
mod tile;

/// Proof that the processor has the instructions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx512(());

impl Avx512 {
    /// The kernel, if this processor has the instructions.
    pub(super) fn find() -> Option<&'static dyn Isa> {
        let found = std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512bw")
            && std::arch::is_x86_feature_detected!("avx512vl")
            && std::arch::is_x86_feature_detected!("avx512dq")
            && std::arch::is_x86_feature_detected!("avx512vnni");
        found.then_some(&Self(()))
    }
}

impl Isa for Avx512 {
    fn name(&self) -> &'static str {
        "x86-avx512-vnni"
    }

    fn products(&self, q: &[i8], weights: &PackedWeights, out: &mut [i32]) {
        // SAFETY: `self` proves the features.
        unsafe { linear::products(q, weights, out) }
    }

    fn pair_products(&self, a: &[i16], b: &PackedPairs, out: &mut [i32]) {
        // SAFETY: `self` proves the features.
        unsafe { linear::pair_products(a, b, out) }
    }

    forward_steps! {
        "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni";
        quantize_wide(x: &[i16], scale: Scale, q: &mut [i16]);
        requantize(acc: &mut [i32], scales: &[Scale], layer: &Requantizer);
        requantize16(acc: &[i32], scales: &[Scale], layer: &Requantizer, out: &mut [i16]);
        add_residual(stream: &[i16], residual_shift: i32, sums: &mut [i32]);
        softmax(scores: &[i32], n: usize, head: HeadScale, p: &mut [i16], stride: usize, sums: &mut [u32]);
        context(weighted: &[i32], scale: ContextScale, out: &mut [i16]);
        accumulate(row: &[i16], sums: &mut [i32]);
        embed(word: &[i8], scale: i16, position: &[i16], kind: &[i16], shift: i32, sums: &mut [i32]);
        compact(pooled: &[i32], out: &mut [i16]);
        dots(query: &[i16], rows: &[i16], out: &mut [i64]);
        high_dots(queries: &[i16], width: usize, rows: &[i8], out: &mut [i64]);
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
        // SAFETY: `self` proves the features.
        unsafe { rows::quantize(x, width, sign, q, stride, scales) }
    }

    fn normalize(
        &self,
        sums: &[i32],
        width: usize,
        norm: &LayerNorm,
        stream: &mut [i16],
        equalised: &mut [i16],
    ) {
        // SAFETY: `self` proves the features.
        unsafe { rows::normalize(sums, width, norm, stream, equalised) }
    }

    fn activate(&self, v: &mut [i16], activation: &Activation) {
        // SAFETY: `self` proves the features.
        unsafe { rows::activate(v, activation) }
    }

    fn linear(&self, rows: QuantizedRows<'_>, layer: &PackedLinear, out: &mut [i32]) {
        // SAFETY: `self` proves the features.
        unsafe { linear::linear(rows, layer, out) }
    }

    fn linear16(&self, rows: QuantizedRows<'_>, layer: &PackedLinear, _acc: &mut Vec<i32>, out: &mut [i16]) {
        // SAFETY: `self` proves the features.
        unsafe { linear::linear16(rows, layer, out) }
    }

    fn linear_activate(
        &self,
        rows: QuantizedRows<'_>,
        layer: &PackedLinear,
        activation: &Activation,
        _acc: &mut Vec<i32>,
        out: &mut [i16],
    ) {
        // SAFETY: `self` proves the features.
        unsafe { linear::linear_activate(rows, layer, activation, out) }
    }

    fn linear_sum(
        &self,
        rows: QuantizedRows<'_>,
        layer: &PackedLinear,
        stream: &[i16],
        residual_shift: i32,
        sums: &mut [i32],
    ) {
        // SAFETY: `self` proves the features.
        unsafe { linear::linear_sum(rows, layer, stream, residual_shift, sums) }
    }

    fn attend(&self, head: &Head<'_>, buffers: &mut HeadBuffers, context: &mut [i16]) {
        // SAFETY: `self` proves the features.
        unsafe { attention::attend(head, &mut buffers.lanes, context) }
    }
}
