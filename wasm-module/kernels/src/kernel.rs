//! The choice of an instruction set.

use alloc::vec::Vec;

use lockstep_arith::activation::Activation;
use lockstep_arith::attention::{ContextScale, HeadScale};
use lockstep_arith::layer_norm::LayerNorm;
use lockstep_arith::rows::{Scale, Sign};

#[cfg(target_arch = "aarch64")]
use crate::arm_dotprod::DotProd;
use crate::attention::{Attention, Buffers};
use crate::isa::Isa;
use crate::linear::{PackedLinear, QuantizedRows, Requantizer};
use crate::packed::{PackedPairs, PackedWeights};
#[cfg(all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed-simd"))]
use crate::wasm_relaxed::Relaxed;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use crate::wasm_strict::Strict;
#[cfg(target_arch = "x86_64")]
use crate::{
    x86_avx2::Avx2,
    x86_avx512::Avx512,
    x86_vnni256::{Avx512Vl, AvxVnni},
};

/// An instruction set that this processor has.
#[derive(Clone, Copy, Debug)]
pub struct Kernel(Choice);

#[derive(Clone, Copy, Debug)]
enum Choice {
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    #[cfg(target_arch = "x86_64")]
    AvxVnni(AvxVnni),
    #[cfg(target_arch = "x86_64")]
    Avx512Vl(Avx512Vl),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "aarch64")]
    DotProd(DotProd),
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed-simd"))]
    Relaxed(Relaxed),
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Strict(Strict),
    Scalar(Scalar),
}

/// No instruction set in particular.
#[derive(Clone, Copy, Debug)]
struct Scalar;

impl Isa for Scalar {
    fn name(self) -> &'static str {
        "scalar"
    }
}

/// Calls a method of whichever instruction set was chosen.
macro_rules! dispatch {
    ($kernel:expr, $isa:ident => $call:expr) => {
        match $kernel.0 {
            #[cfg(target_arch = "x86_64")]
            Choice::Avx512($isa) => $call,
            #[cfg(target_arch = "x86_64")]
            Choice::AvxVnni($isa) => $call,
            #[cfg(target_arch = "x86_64")]
            Choice::Avx512Vl($isa) => $call,
            #[cfg(target_arch = "x86_64")]
            Choice::Avx2($isa) => $call,
            #[cfg(target_arch = "aarch64")]
            Choice::DotProd($isa) => $call,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed-simd"))]
            Choice::Relaxed($isa) => $call,
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Choice::Strict($isa) => $call,
            Choice::Scalar($isa) => $call,
        }
    };
}

impl Default for Kernel {
    fn default() -> Self {
        Self::new()
    }
}

impl Kernel {
    /// The fastest kernel of this processor.
    #[must_use]
    pub fn new() -> Self {
        Self::available()[0]
    }

    /// All kernels of this processor, the fastest first, the scalar one last.
    #[must_use]
    pub fn available() -> Vec<Self> {
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed-simd"))]
        let relaxed = Relaxed::available();
        [
            #[cfg(target_arch = "x86_64")]
            Avx512::new().map(|isa| Self(Choice::Avx512(isa))),
            #[cfg(target_arch = "x86_64")]
            AvxVnni::new().map(|isa| Self(Choice::AvxVnni(isa))),
            #[cfg(target_arch = "x86_64")]
            Avx512Vl::new().map(|isa| Self(Choice::Avx512Vl(isa))),
            #[cfg(target_arch = "x86_64")]
            Avx2::new().map(|isa| Self(Choice::Avx2(isa))),
            #[cfg(target_arch = "aarch64")]
            DotProd::new().map(|isa| Self(Choice::DotProd(isa))),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed-simd"))]
            relaxed.map(|[faster, _]| Self(Choice::Relaxed(faster))),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128", feature = "relaxed-simd"))]
            relaxed.map(|[_, slower]| Self(Choice::Relaxed(slower))),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Some(Self(Choice::Strict(Strict))),
            Some(Self(Choice::Scalar(Scalar))),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The instruction set, for example `x86-avx512-vnni`, `wasm-relaxed` or `scalar`.
    #[must_use]
    pub fn name(self) -> &'static str {
        dispatch!(self, isa => isa.name())
    }

    /// (10): `out[i][j] = sum_k (q[i][k] + z) * w[k][j]`. Rows of `q` are `weights.row_len()` long, those of
    /// `out` `weights.outputs()`.
    ///
    /// # Panics
    /// Where `q` or `out` is not a whole number of rows, or not the same number.
    pub fn products(self, q: &[i8], weights: &PackedWeights, out: &mut [i32]) {
        check_rows(q.len(), weights.row_len(), out.len(), weights.outputs());
        dispatch!(self, isa => isa.products(q, weights, out));
    }

    /// (19), (24): `out[i][j] = sum_k a[i][k] * b[k][j]` in 16 bits, where the sums fit 32. Rows of `a` are
    /// `b.row_len()` long.
    ///
    /// # Panics
    /// As [`Self::products`].
    pub fn pair_products(self, a: &[i16], b: &PackedPairs, out: &mut [i32]) {
        check_rows(a.len(), b.row_len(), out.len(), b.outputs());
        dispatch!(self, isa => isa.pair_products(a, b, out));
    }

    /// (10), (11) of a block of rows.
    pub(crate) fn linear(self, rows: QuantizedRows<'_>, layer: &PackedLinear, out: &mut [i32]) {
        check_layer(rows, layer, out.len());
        dispatch!(self, isa => isa.linear(rows, layer, out));
    }

    /// (10), (11) of a block of rows, narrowed by (3). `acc` is room for sums.
    pub(crate) fn linear16(
        self,
        rows: QuantizedRows<'_>,
        layer: &PackedLinear,
        acc: &mut Vec<i32>,
        out: &mut [i16],
    ) {
        check_layer(rows, layer, out.len());
        dispatch!(self, isa => isa.linear16(rows, layer, acc, out));
    }

    /// (10), (11), (3) of a block of rows, then (28) to (30).
    pub(crate) fn linear_activate(
        self,
        rows: QuantizedRows<'_>,
        layer: &PackedLinear,
        activation: &Activation,
        acc: &mut Vec<i32>,
        out: &mut [i16],
    ) {
        check_layer(rows, layer, out.len());
        assert_eq!(activation.equaliser.len(), layer.weights.outputs(), "an equaliser a channel");
        dispatch!(self, isa => isa.linear_activate(rows, layer, activation, acc, out));
    }

    /// (10), (11) of a block of rows, and the sum and the clamp of (12).
    pub(crate) fn linear_sum(
        self,
        rows: QuantizedRows<'_>,
        layer: &PackedLinear,
        stream: &[i16],
        residual_shift: i32,
        sums: &mut [i32],
    ) {
        check_layer(rows, layer, sums.len());
        assert_eq!(stream.len(), sums.len(), "as many rows of the stream as of sums");
        dispatch!(self, isa => isa.linear_sum(rows, layer, stream, residual_shift, sums));
    }

    /// (19) to (27) of one head.
    pub(crate) fn attend(
        self,
        attention: &Attention,
        head: usize,
        projected: &[i16],
        context: &mut [i16],
        buffers: &mut Buffers,
    ) {
        dispatch!(self, isa => isa.attend(attention, head, projected, context, buffers));
    }

    /// (5) to (9) of rows of `width` numbers. Rows of `q` are `stride` long, of which the first `width` are set.
    pub fn quantize(
        self,
        x: &[i16],
        width: usize,
        sign: Sign,
        q: &mut [i8],
        stride: usize,
        scales: &mut [Scale],
    ) {
        dispatch!(self, isa => isa.quantize(x, width, sign, q, stride, scales));
    }

    /// (8) of numbers whose scale is known, left in 16 bits.
    pub fn quantize_wide(self, x: &[i16], scale: Scale, q: &mut [i16]) {
        dispatch!(self, isa => isa.quantize_wide(x, scale, q));
    }

    /// (11) of rows of accumulators, a scale each, in place.
    pub fn requantize(self, acc: &mut [i32], scales: &[Scale], layer: &Requantizer) {
        dispatch!(self, isa => isa.requantize(acc, scales, layer));
    }

    /// (11) of rows of accumulators, a scale each, narrowed by (3).
    pub fn requantize16(self, acc: &[i32], scales: &[Scale], layer: &Requantizer, out: &mut [i16]) {
        dispatch!(self, isa => isa.requantize16(acc, scales, layer, out));
    }

    /// (12), the sum and its clamp: adds the previous stream to a linear layer's outputs.
    pub fn add_residual(self, stream: &[i16], residual_shift: i32, sums: &mut [i32]) {
        dispatch!(self, isa => isa.add_residual(stream, residual_shift, sums));
    }

    /// (12) to (18) of rows of `width` clamped sums. `equalised` is empty where the norm has no such output.
    pub fn normalize(
        self,
        sums: &[i32],
        width: usize,
        norm: &LayerNorm,
        stream: &mut [i16],
        equalised: &mut [i16],
    ) {
        dispatch!(self, isa => isa.normalize(sums, width, norm, stream, equalised));
    }

    /// (28) to (30) of rows as wide as the equaliser, in place.
    pub fn activate(self, v: &mut [i16], activation: &Activation) {
        dispatch!(self, isa => isa.activate(v, activation));
    }

    /// (21) to (23) of rows of `n` scores. Rows of `p` are `stride` long, of which the first `n` are set.
    pub fn softmax(
        self,
        scores: &[i32],
        n: usize,
        head: HeadScale,
        p: &mut [i16],
        stride: usize,
        sums: &mut [u32],
    ) {
        dispatch!(self, isa => isa.softmax(scores, n, head, p, stride, sums));
    }

    /// (25) to (27) of one row of weighted sums.
    pub fn context(self, weighted: &[i32], scale: ContextScale, out: &mut [i16]) {
        dispatch!(self, isa => isa.context(weighted, scale, out));
    }

    /// (33): adds a token's row to a sequence's sums.
    pub fn accumulate(self, row: &[i16], sums: &mut [i32]) {
        dispatch!(self, isa => isa.accumulate(row, sums));
    }

    /// (32) of one token, clamped as (12) has it: its word row and scale, its position and type rows.
    pub fn embed(
        self,
        word: &[i8],
        scale: i16,
        position: &[i16],
        kind: &[i16],
        shift: i32,
        sums: &mut [i32],
    ) {
        dispatch!(self, isa => isa.embed(word, scale, position, kind, shift, sums));
    }
}

fn check_rows(left: usize, row: usize, right: usize, columns: usize) {
    assert_eq!(left % row, 0, "whole rows of inputs");
    assert_eq!(left / row * columns, right, "as many rows of outputs as of inputs");
}

fn check_layer(rows: QuantizedRows<'_>, layer: &PackedLinear, outputs: usize) {
    let PackedLinear { weights, requantizer, .. } = layer;
    check_rows(rows.q.len(), weights.row_len(), outputs, weights.outputs());
    assert_eq!(rows.scales.len() * weights.row_len(), rows.q.len(), "a scale a row");
    let channels = (requantizer.multipliers.len(), requantizer.biases.len());
    assert_eq!(channels, (weights.outputs(), weights.outputs()), "a multiplier and a bias a channel");
}
