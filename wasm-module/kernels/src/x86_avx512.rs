//! AVX-512 with VNNI: 16 columns an instruction.
#![allow(unsafe_code, reason = "the entry into functions that need the instruction set")]

use std::vec::Vec;

use lockstep_arith::activation::Activation;
use lockstep_arith::attention::{ContextScale, HeadScale};
use lockstep_arith::layer_norm::LayerNorm;
use lockstep_arith::rows::{Scale, Sign};

use crate::attention::{Attention, Buffers};
use crate::isa::{Isa, forward_steps};
use crate::linear::{PackedLinear, QuantizedRows, Requantizer};
use crate::packed::{PackedPairs, PackedWeights};
use crate::{vector, x86_avx512_attention, x86_avx512_linear, x86_avx512_rows};

/// Proof that the processor has the instructions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

impl Avx512 {
    /// A kernel, where the processor has one.
    pub(crate) fn new() -> Option<Self> {
        let found = std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512bw")
            && std::arch::is_x86_feature_detected!("avx512vl")
            && std::arch::is_x86_feature_detected!("avx512dq")
            && std::arch::is_x86_feature_detected!("avx512vnni");
        found.then_some(Self(()))
    }
}

impl Isa for Avx512 {
    fn name(self) -> &'static str {
        "x86-avx512-vnni"
    }

    fn products(self, q: &[i8], weights: &PackedWeights, out: &mut [i32]) {
        // SAFETY: `self` proves the features.
        unsafe { x86_avx512_linear::products(q, weights, out) }
    }

    fn pair_products(self, a: &[i16], b: &PackedPairs, out: &mut [i32]) {
        // SAFETY: `self` proves the features.
        unsafe { x86_avx512_linear::pair_products(a, b, out) }
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
        // SAFETY: `self` proves the features.
        unsafe { x86_avx512_rows::quantize(x, width, sign, q, stride, scales) }
    }

    fn normalize(
        self,
        sums: &[i32],
        width: usize,
        norm: &LayerNorm,
        stream: &mut [i16],
        equalised: &mut [i16],
    ) {
        // SAFETY: `self` proves the features.
        unsafe { x86_avx512_rows::normalize(sums, width, norm, stream, equalised) }
    }

    fn activate(self, v: &mut [i16], activation: &Activation) {
        // SAFETY: `self` proves the features.
        unsafe { x86_avx512_rows::activate(v, activation) }
    }

    fn linear(self, rows: QuantizedRows<'_>, layer: &PackedLinear, out: &mut [i32]) {
        // SAFETY: `self` proves the features.
        unsafe { x86_avx512_linear::linear(rows, layer, out) }
    }

    fn linear16(self, rows: QuantizedRows<'_>, layer: &PackedLinear, _acc: &mut Vec<i32>, out: &mut [i16]) {
        // SAFETY: `self` proves the features.
        unsafe { x86_avx512_linear::linear16(rows, layer, out) }
    }

    fn linear_activate(
        self,
        rows: QuantizedRows<'_>,
        layer: &PackedLinear,
        activation: &Activation,
        _acc: &mut Vec<i32>,
        out: &mut [i16],
    ) {
        // SAFETY: `self` proves the features.
        unsafe { x86_avx512_linear::linear_activate(rows, layer, activation, out) }
    }

    fn linear_sum(
        self,
        rows: QuantizedRows<'_>,
        layer: &PackedLinear,
        stream: &[i16],
        residual_shift: i32,
        sums: &mut [i32],
    ) {
        // SAFETY: `self` proves the features.
        unsafe { x86_avx512_linear::linear_sum(rows, layer, stream, residual_shift, sums) }
    }

    fn attend(
        self,
        attention: &Attention,
        head: usize,
        projected: &[i16],
        context: &mut [i16],
        buffers: &mut Buffers,
    ) {
        // SAFETY: `self` proves the features.
        unsafe { x86_avx512_attention::attend(attention, head, projected, context, &mut buffers.avx512) }
    }
}
