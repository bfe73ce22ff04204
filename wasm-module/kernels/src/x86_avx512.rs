//! AVX-512 with VNNI: 16 columns an instruction, and (11) on the sums of a tile before they leave the first cache.
#![allow(unsafe_code, reason = "loads, stores and the entry into functions that need the instruction set")]

use core::arch::x86_64::*;

use std::vec::Vec;

use lockstep_arith::activation::Activation;
use lockstep_arith::attention::{ContextScale, HeadScale};
use lockstep_arith::layer_norm::{LayerNorm, SUM_LIMIT};
use lockstep_arith::rows::{Scale, Sign};

use crate::attention::{Attention, Buffers};
use crate::isa::{Isa, forward_steps};
use crate::linear::{PackedLinear, QuantizedRows, Requantizer};
use crate::packed::{COLUMNS, PackedPairs, PackedWeights, WEIGHT_OFFSET};
use crate::product::Product;
use crate::x86_avx512_rows::{self, Activate, first_lanes, load, narrow, store16};
use crate::x86_avx512_tile::{Operands, WIDE_PANELS as PANELS, WIDE_ROWS as ROWS, tile};
use crate::{vector, x86_avx512_attention};

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
        unsafe { products(q, weights, out) }
    }

    fn pair_products(self, a: &[i16], b: &PackedPairs, out: &mut [i32]) {
        // SAFETY: `self` proves the features.
        unsafe { pair_products(a, b, out) }
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
        unsafe { linear(rows, layer, out) }
    }

    fn linear16(self, rows: QuantizedRows<'_>, layer: &PackedLinear, _acc: &mut Vec<i32>, out: &mut [i16]) {
        // SAFETY: `self` proves the features.
        unsafe { linear16(rows, layer, out) }
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
        unsafe { linear_activate(rows, layer, activation, out) }
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
        unsafe { linear_sum(rows, layer, stream, residual_shift, sums) }
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

/// The sums of a tile, row after row.
#[repr(C, align(64))]
struct Sums([[i32; PANELS * COLUMNS]; ROWS]);

/// A tile of a product and what lies in it: 1 to 6 rows, 1 to 4 panels.
struct Tile<'a> {
    row: usize,
    rows: usize,
    panel: usize,
    panels: usize,
    sums: &'a Sums,
}

impl Tile<'_> {
    /// The sums of one of its rows and panels.
    #[target_feature(enable = "avx512f")]
    fn vector(&self, row: usize, panel: usize) -> __m512i {
        let (vectors, _) = self.sums.0[row].as_chunks::<COLUMNS>();
        // SAFETY: an array of 64 bytes.
        unsafe { _mm512_loadu_si512(vectors[panel].as_ptr().cast()) }
    }
}

/// All tiles of a product, panels outside: `each` gets them.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
#[inline]
fn for_each_tile<const PAIRS: bool>(product: &Product<'_>, mut each: impl FnMut(Tile<'_>)) {
    let mut sums = Sums([[0; PANELS * COLUMNS]; ROWS]);
    let zeros = [0; PANELS * COLUMNS];
    let all = product.panels();
    for panel in (0..all).step_by(PANELS) {
        let panels = PANELS.min(all - panel);
        let (lines, next) = product.lines[panel * product.groups..].split_at(panels * product.groups);
        let columns = if PAIRS { &zeros[..panels * COLUMNS] } else { product.column_starts(panel, panels) };
        for (row, rows) in product.row_tiles(ROWS) {
            let starts = if PAIRS { &zeros[..rows] } else { &product.row_starts[row..row + rows] };
            let operands = Operands {
                left: product.row(row),
                stride: product.groups * 4,
                lines: lines.as_ptr(),
                groups: product.groups,
                next: if next.is_empty() { lines.as_ptr() } else { next.as_ptr() },
                row_starts: starts.as_ptr(),
                column_starts: columns.as_ptr(),
                out: sums.0.as_mut_ptr().cast(),
                out_stride: PANELS * COLUMNS,
            };
            // SAFETY: `row..row + rows` are rows of the product, of `groups` groups; `lines` are `panels` panels of
            // `groups` lines, the starts as many as rows and columns, and `sums` has room for a tile.
            unsafe { tile::<PAIRS>(rows, panels, operands) };
            each(Tile { row, rows, panel, panels, sums: &sums });
        }
    }
}

/// The product of bytes, with the constants of rows summed by this instruction set, and `half` added to each.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn product_of_bytes<'a>(q: &'a [i8], weights: &'a PackedWeights, outputs: usize, half: i32) -> Product<'a> {
    let mut starts = Vec::with_capacity(q.len() / weights.row_len());
    for row in q.chunks_exact(weights.row_len()) {
        let mut sums = _mm512_setzero_si512();
        for bytes in row.chunks(64) {
            // SAFETY: the mask has as many bits as there are bytes.
            let bytes = unsafe { _mm512_maskz_loadu_epi8(u64::MAX >> (64 - bytes.len()), bytes.as_ptr()) };
            sums = _mm512_dpbusd_epi32(sums, _mm512_set1_epi8(1), bytes);
        }
        starts.push(half - WEIGHT_OFFSET * _mm512_reduce_add_epi32(sums));
    }
    Product::of_bytes_from(q, weights, outputs, starts)
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn products(q: &[i8], weights: &PackedWeights, out: &mut [i32]) {
    let product = product_of_bytes(q, weights, out.len(), 0);
    for_each_tile::<false>(&product, |tile| copy(&product, &tile, out));
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn pair_products(a: &[i16], b: &PackedPairs, out: &mut [i32]) {
    let product = Product::of_pairs(a, b, out);
    for_each_tile::<true>(&product, |tile| copy(&product, &tile, out));
}

/// The sums of a tile as they are.
fn copy(product: &Product<'_>, tile: &Tile<'_>, out: &mut [i32]) {
    for row in 0..tile.rows {
        let first = tile.panel * COLUMNS;
        let count = (tile.panels * COLUMNS).min(product.columns - first);
        let out = &mut out[(tile.row + row) * product.columns + first..][..count];
        out.copy_from_slice(&tile.sums.0[row][..count]);
    }
}

/// (11) of the sums of tiles, whose starts have half of `2^acc_shift` in them.
struct Epilogue<'a> {
    layer: &'a Requantizer,
    acc_shift: __m128i,
    /// A row each: what (11) multiplies by and shifts by, and half of that power of two.
    rows: Vec<[i32; 3]>,
}

impl<'a> Epilogue<'a> {
    #[target_feature(enable = "avx512f")]
    fn new(layer: &'a Requantizer, scales: &[Scale]) -> Self {
        let mut rows = Vec::with_capacity(scales.len());
        for scale in scales {
            let shift = layer.out_shift + scale.shift;
            rows.push([scale.normalised().into(), shift, vector::half(shift)]);
        }
        Self { layer, acc_shift: _mm_cvtsi32_si128(layer.acc_shift), rows }
    }

    /// Calls `store` with the results of a row and two panels.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
    #[inline]
    fn apply(&self, tile: &Tile<'_>, mut store: impl FnMut(Outputs)) {
        let zero = _mm512_setzero_si512();
        let rows = &self.rows[tile.row..tile.row + tile.rows];
        for panel in (0..tile.panels).step_by(2) {
            let first = (tile.panel + panel) * COLUMNS;
            let biases = &self.layer.biases[first..];
            let multipliers = &self.layer.multipliers[first..][..biases.len()];
            let mask = first_lanes(biases.len());
            let (low, high) = (mask as __mmask16, (mask >> COLUMNS) as __mmask16);
            // SAFETY: the masks have as many bits as there are channels.
            let (c, b) = unsafe {
                let c = _mm512_maskz_loadu_epi16(mask, multipliers.as_ptr());
                let b = [
                    _mm512_maskz_loadu_epi32(low, biases.as_ptr()),
                    _mm512_maskz_loadu_epi32(high, biases.as_ptr().wrapping_add(COLUMNS)),
                ];
                (c, b)
            };
            let c = [
                _mm512_cvtepu16_epi32(_mm512_castsi512_si256(c)),
                _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64::<1>(c)),
            ];
            for (i, &[normalised, shift, half]) in rows.iter().enumerate() {
                let sum = |panel| _mm512_sra_epi32(tile.vector(i, panel), self.acc_shift);
                // Four numbers of the one panel and four of the other, in turn, which `unpack` undoes.
                let a = _mm512_packs_epi32(sum(panel), sum(panel + 1));
                let u = _mm512_mulhrs_epi16(a, _mm512_set1_epi16(normalised as i16));
                let (half, shift) = (_mm512_set1_epi32(half), _mm512_set1_epi32(shift));
                let scaled = |u, c| _mm512_srav_epi32(_mm512_dpwssd_epi32(half, u, c), shift);
                let y = [
                    _mm512_add_epi32(scaled(_mm512_unpacklo_epi16(u, zero), c[0]), b[0]),
                    _mm512_add_epi32(scaled(_mm512_unpackhi_epi16(u, zero), c[1]), b[1]),
                ];
                store(Outputs { row: tile.row + i, first, y });
            }
        }
    }
}

/// The results of (11) of a row and two panels, of which the last may have channels that are not there.
struct Outputs {
    row: usize,
    first: usize,
    y: [__m512i; 2],
}

/// Stores as many of the numbers as there is room for.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
#[inline]
fn store(out: &mut [i32], y: [__m512i; 2]) {
    let mask = first_lanes(out.len());
    // SAFETY: the masks have no more bits than `out` has numbers.
    unsafe {
        _mm512_mask_storeu_epi32(out.as_mut_ptr(), mask as __mmask16, y[0]);
        let second = out.as_mut_ptr().wrapping_add(COLUMNS);
        _mm512_mask_storeu_epi32(second, (mask >> COLUMNS) as __mmask16, y[1]);
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn linear(rows: QuantizedRows<'_>, layer: &PackedLinear, out: &mut [i32]) {
    let half = vector::half(layer.requantizer.acc_shift);
    let product = product_of_bytes(rows.q, &layer.weights, out.len(), half);
    let epilogue = Epilogue::new(&layer.requantizer, rows.scales);
    let width = product.columns;
    for_each_tile::<false>(&product, |tile| {
        epilogue.apply(&tile, |Outputs { row, first, y }| {
            store(&mut out[row * width..][first..width], y);
        });
    });
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn linear16(rows: QuantizedRows<'_>, layer: &PackedLinear, out: &mut [i16]) {
    linear16_then(rows, layer, out, |y, _| y);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn linear_activate(rows: QuantizedRows<'_>, layer: &PackedLinear, activation: &Activation, out: &mut [i16]) {
    let activate = Activate::new(activation);
    let equaliser = &activation.equaliser[..layer.weights.outputs()];
    linear16_then(rows, layer, out, |y, first| activate.apply(y, load(&equaliser[first..])));
}

/// [`linear`], narrowed to 16 bits; `then` changes 32 outputs from a channel on.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
#[inline]
fn linear16_then(
    rows: QuantizedRows<'_>,
    layer: &PackedLinear,
    out: &mut [i16],
    then: impl Fn(__m512i, usize) -> __m512i,
) {
    let half = vector::half(layer.requantizer.acc_shift);
    let product = product_of_bytes(rows.q, &layer.weights, out.len(), half);
    let epilogue = Epilogue::new(&layer.requantizer, rows.scales);
    let width = product.columns;
    for_each_tile::<false>(&product, |tile| {
        epilogue.apply(&tile, |Outputs { row, first, y }| {
            store16(&mut out[row * width..][first..width], then(narrow(y[0], y[1]), first));
        });
    });
}

/// [`linear`], and the sum of (12) with its clamp.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn linear_sum(
    rows: QuantizedRows<'_>,
    layer: &PackedLinear,
    stream: &[i16],
    residual_shift: i32,
    sums: &mut [i32],
) {
    assert_eq!(stream.len(), sums.len(), "a number of the stream for each sum");
    let half = vector::half(layer.requantizer.acc_shift);
    let product = product_of_bytes(rows.q, &layer.weights, sums.len(), half);
    let epilogue = Epilogue::new(&layer.requantizer, rows.scales);
    let width = product.columns;
    let up = _mm_cvtsi32_si128(residual_shift);
    let (low, high) = (_mm512_set1_epi32(-SUM_LIMIT), _mm512_set1_epi32(SUM_LIMIT));
    for_each_tile::<false>(&product, |tile| {
        epilogue.apply(&tile, |Outputs { row, first, y }| {
            let x = load(&stream[row * width..][first..width]);
            let sum = |x, y| {
                let sum = _mm512_add_epi32(_mm512_sll_epi32(_mm512_cvtepi16_epi32(x), up), y);
                _mm512_max_epi32(_mm512_min_epi32(sum, high), low)
            };
            let y = [sum(_mm512_castsi512_si256(x), y[0]), sum(_mm512_extracti64x4_epi64::<1>(x), y[1])];
            store(&mut sums[row * width..][first..width], y);
        });
    });
}
