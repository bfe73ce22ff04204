//! The steps that an instruction set may implement.

use alloc::vec::Vec;
use core::fmt::Debug;

use lockstep_arith::activation::Activation;
use lockstep_arith::attention::{ContextScale, HeadScale};
use lockstep_arith::layer_norm::LayerNorm;
use lockstep_arith::rows::{Scale, Sign};

use crate::operands::{
    Head, HeadBuffers, PackedLinear, PackedPairs, PackedWeights, Part, QuantizedRows, Requantizer, room,
};
use crate::plain;

/// Queries of a head that are evaluated together.
const QUERIES: usize = 32;

/// One instruction set. A value of the type is the proof that this processor has it.
///
/// Only [`Isa::name`] is required. Every other method has a default: a plain loop, compiled for the
/// baseline of the target, or a composition of other methods. All results equal those of
/// `lockstep_arith` by `==`.
///
/// Numbers in parentheses are the equations of `SPEC.md`. `K` is the number of inputs of a linear
/// layer, `N` the number of its outputs, `D` the hidden size, `d` the width of a head, `n` the
/// number of tokens of a sequence. Matrices are row-major. Parameters and inputs are in the ranges
/// of `SPEC.md`; with others the results are undefined numbers. Slices of wrong lengths cause a
/// panic or leave outputs unwritten.
pub trait Isa: Debug + Sync {
    /// The name of the instruction set, for example `x86-avx2`, `wasm-relaxed` or `scalar`.
    fn name(&self) -> &'static str;

    /// (10): `out[i][j] = sum_k (q[i][k] + z) * w[k][j]`.
    ///
    /// `q` is `[rows, K]`; each row has [`PackedWeights::row_len`] bytes, of which those after the
    /// first `K` may have any value. `z` is 0 or 128, by the sign of `weights`. `out` is
    /// `[rows, N]`.
    ///
    /// # Panics
    /// If `q` or `out` is not a whole number of rows, or if the two numbers of rows differ.
    fn products(&self, q: &[i8], weights: &PackedWeights, out: &mut [i32]) {
        plain::products(q, weights, out);
    }

    /// (19), (24): `out[i][j] = sum_k a[i][k] * b[k][j]`.
    ///
    /// `a` is `[rows, K]`; each row has [`PackedPairs::row_len`] numbers. `out` is `[rows, N]`.
    /// Every sum of products must fit 32 bits.
    ///
    /// # Panics
    /// If `a` or `out` is not a whole number of rows, or if the two numbers of rows differ.
    fn pair_products(&self, a: &[i16], b: &PackedPairs, out: &mut [i32]) {
        plain::pair_products(a, b, out);
    }

    /// (10), (11): a linear layer of a block of rows. `out` is `[rows, N]`.
    ///
    /// # Panics
    /// If the rows, the layer and `out` do not fit each other.
    fn linear(&self, rows: QuantizedRows<'_>, layer: &PackedLinear, out: &mut [i32]) {
        rows.check(layer, out.len());
        self.products(rows.q, &layer.weights, out);
        self.requantize(out, rows.scales, &layer.requantizer);
    }

    /// (10), (11), (3): a linear layer of a block of rows, in 16 bits. `out` is `[rows, N]`. `acc`
    /// is a buffer; its contents do not matter before or after.
    ///
    /// # Panics
    /// As [`Isa::linear`].
    fn linear16(&self, rows: QuantizedRows<'_>, layer: &PackedLinear, acc: &mut Vec<i32>, out: &mut [i16]) {
        rows.check(layer, out.len());
        let acc = room(acc, out.len(), 0);
        self.products(rows.q, &layer.weights, acc);
        self.requantize16(acc, rows.scales, &layer.requantizer, out);
    }

    /// [`Isa::linear16`], then (28) to (30): the first feed-forward layer with its activation.
    ///
    /// # Panics
    /// As [`Isa::linear`], and if the activation does not have `N` channels.
    fn linear_activate(
        &self,
        rows: QuantizedRows<'_>,
        layer: &PackedLinear,
        activation: &Activation,
        acc: &mut Vec<i32>,
        out: &mut [i16],
    ) {
        assert_eq!(activation.equaliser.len(), layer.weights.outputs(), "an equaliser for each channel");
        self.linear16(rows, layer, acc, out);
        self.activate(out, activation);
    }

    /// [`Isa::linear`], then the sum and the clamp of (12) with the previous stream. `stream` and
    /// `sums` are `[rows, N]`; `residual_shift` is in [0, 4].
    ///
    /// # Panics
    /// As [`Isa::linear`], and if `stream` and `sums` differ in length.
    fn linear_sum(
        &self,
        rows: QuantizedRows<'_>,
        layer: &PackedLinear,
        stream: &[i16],
        residual_shift: i32,
        sums: &mut [i32],
    ) {
        assert_eq!(stream.len(), sums.len(), "as many rows of the stream as of sums");
        self.linear(rows, layer, sums);
        self.add_residual(stream, residual_shift, sums);
    }

    /// (19) to (27): one head of the attention of one sequence.
    ///
    /// Writes the columns `head.column..head.column + head.width` of `context`, which is `[n, D]`.
    fn attend(&self, head: &Head<'_>, buffers: &mut HeadBuffers, context: &mut [i16]) {
        let &Head { hidden, column, width, score, .. } = head;
        let scale = |part| Scale::of_max(head.rows(part).map(plain::rows::greatest).max().unwrap_or(0));
        let [query_scale, key_scale, value_scale] = [Part::Query, Part::Key, Part::Value].map(scale);
        let head_scale = score.of_head(query_scale, key_scale);

        let n = head.tokens();
        let HeadBuffers { queries, keys, values, row, scores, weights, weighted, .. } = buffers;
        keys.reset(width, n);
        values.reset(n, width);
        queries.clear();
        queries.resize(n * keys.row_len(), 0);
        row.resize(width, 0);
        for (q, x) in queries.chunks_exact_mut(keys.row_len()).zip(head.rows(Part::Query)) {
            self.quantize_wide(x, query_scale, q);
        }
        for (j, x) in head.rows(Part::Key).enumerate() {
            self.quantize_wide(x, key_scale, row);
            keys.set_column(j, row);
        }
        for (j, x) in head.rows(Part::Value).enumerate() {
            self.quantize_wide(x, value_scale, row);
            values.set_row(j, row);
        }

        let contexts = context.chunks_mut(QUERIES * hidden);
        for (queries, context) in queries.chunks(QUERIES * keys.row_len()).zip(contexts) {
            let rows = context.len() / hidden;
            let mut sums = [0; QUERIES];
            scores.resize(rows * n, 0);
            weights.resize(rows * values.row_len(), 0);
            weighted.resize(rows * width, 0);
            self.pair_products(queries, keys, scores);
            self.softmax(scores, n, head_scale, weights, values.row_len(), &mut sums[..rows]);
            self.pair_products(weights, values, weighted);
            let rows = context.chunks_exact_mut(hidden).zip(weighted.chunks_exact(width));
            for ((context, weighted), sum) in rows.zip(sums) {
                let scale = ContextScale::of(sum, value_scale);
                self.context(weighted, scale, &mut context[column..column + width]);
            }
        }
    }

    /// (5) to (9): quantises rows to 8 bits.
    ///
    /// `x` is `[rows, width]`; with [`Sign::Unsigned`] all its numbers are at least 0. Rows of `q`
    /// are `stride` bytes long, of which the first `width` are written. `scales` gets one scale for
    /// each row.
    fn quantize(
        &self,
        x: &[i16],
        width: usize,
        sign: Sign,
        q: &mut [i8],
        stride: usize,
        scales: &mut [Scale],
    ) {
        plain::quantize(x, width, sign, q, stride, scales);
    }

    /// (8) with a given scale: the results, in [-127, 127], stay in 16 bits. `q` has as many
    /// numbers as `x`, or more, which are not written.
    fn quantize_wide(&self, x: &[i16], scale: Scale, q: &mut [i16]) {
        plain::quantize_wide(x, scale, q);
    }

    /// (11) in place: `acc` is `[rows, N]`, with one scale for each row.
    fn requantize(&self, acc: &mut [i32], scales: &[Scale], layer: &Requantizer) {
        plain::requantize(acc, scales, layer);
    }

    /// (11), (3): `acc` and `out` are `[rows, N]`, with one scale for each row.
    fn requantize16(&self, acc: &[i32], scales: &[Scale], layer: &Requantizer, out: &mut [i16]) {
        plain::requantize16(acc, scales, layer, out);
    }

    /// The sum and the clamp of (12): adds `stream << residual_shift` to the outputs of a linear
    /// layer, in place. `stream` and `sums` have the same length.
    fn add_residual(&self, stream: &[i16], residual_shift: i32, sums: &mut [i32]) {
        plain::add_residual(stream, residual_shift, sums);
    }

    /// (12) to (18) of clamped sums: the mean of (12), and the LayerNorm.
    ///
    /// `sums`, `stream` and `equalised` are `[rows, width]`. `equalised` is empty if the norm has
    /// no equalised output.
    fn normalize(
        &self,
        sums: &[i32],
        width: usize,
        norm: &LayerNorm,
        stream: &mut [i16],
        equalised: &mut [i16],
    ) {
        plain::normalize(sums, width, norm, stream, equalised);
    }

    /// (28) to (30) in place. `v` is a whole number of rows, each as long as the equaliser.
    fn activate(&self, v: &mut [i16], activation: &Activation) {
        plain::activate(v, activation);
    }

    /// (21) to (23): the weights of the softmax, and the sum of each row.
    ///
    /// `scores` is `[rows, n]`. Rows of `p` are `stride` numbers long, of which the first `n` are
    /// written. `sums` gets one sum for each row.
    fn softmax(
        &self,
        scores: &[i32],
        n: usize,
        head: HeadScale,
        p: &mut [i16],
        stride: usize,
        sums: &mut [u32],
    ) {
        plain::softmax(scores, n, head, p, stride, sums);
    }

    /// (25) to (27): one row of `d` weighted sums becomes one row of the context.
    fn context(&self, weighted: &[i32], scale: ContextScale, out: &mut [i16]) {
        plain::context(weighted, scale, out);
    }

    /// (33): adds the row of one token to the sums of its sequence. Both have `D` numbers.
    fn accumulate(&self, row: &[i16], sums: &mut [i32]) {
        plain::accumulate(row, sums);
    }

    /// (32) of one token, with the clamp of (12). `scale` is the scale of the row `word`;
    /// `position`, `kind` and `sums` have `D` numbers as `word` has; `shift` is `table_shift`, in
    /// [0, 7].
    fn embed(&self, word: &[i8], scale: i16, position: &[i16], kind: &[i16], shift: i32, sums: &mut [i32]) {
        plain::embed(word, scale, position, kind, shift, sums);
    }

    /// (40): the compact vector of pooled integers. `pooled` and `out` have the same length.
    ///
    /// # Panics
    /// If the lengths differ.
    fn compact(&self, pooled: &[i32], out: &mut [i16]) {
        plain::compact(pooled, out);
    }

    /// (41): the products of a compact vector and each of `rows`, exactly.
    ///
    /// `rows` is `[rows, K]`, where `K` is the length of `query`; `out` has a number for each row.
    ///
    /// # Panics
    /// If `query` is empty, `rows` is not a whole number of rows, or `out` has another length.
    fn dots(&self, query: &[i16], rows: &[i16], out: &mut [i64]) {
        plain::dots(query, rows, out);
    }

    /// (44): the products of compact vectors and the high parts of others, exactly.
    ///
    /// `queries` is `[queries, width]`, `rows` is `[rows, width]`, `out` is `[queries, rows]`.
    ///
    /// # Panics
    /// If `width` is 0, or the operands and `out` do not fit each other.
    fn high_dots(&self, queries: &[i16], width: usize, rows: &[i8], out: &mut [i64]) {
        plain::high_dots(queries, width, rows, out);
    }
}
