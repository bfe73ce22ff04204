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
use crate::x86_avx512_tile::{Operands, PANELS, ROWS, tile};
use crate::{vector, x86_avx512_attention, x86_avx512_rows};

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

    forward_steps!("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni");

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

/// A tile of a product and what lies in it: 1 to 8 rows, 1 to 3 panels.
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

    /// Calls `store` with a row, the first of 16 channels, a mask of those that are there, and their results.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    #[inline]
    fn apply(&self, tile: &Tile<'_>, mut store: impl FnMut(usize, usize, __mmask16, __m512i)) {
        let (low, high) = (_mm512_set1_epi32(i16::MIN.into()), _mm512_set1_epi32(i16::MAX.into()));
        let rows = &self.rows[tile.row..tile.row + tile.rows];
        for panel in 0..tile.panels {
            let first = (tile.panel + panel) * COLUMNS;
            let biases = &self.layer.biases[first..];
            let multipliers = &self.layer.multipliers[first..][..biases.len()];
            let mask = u16::MAX >> (COLUMNS - biases.len().min(COLUMNS));
            // SAFETY: the mask has as many bits as there are channels, at most 16.
            let (c, b) = unsafe {
                (
                    _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, multipliers.as_ptr())),
                    _mm512_maskz_loadu_epi32(mask, biases.as_ptr()),
                )
            };
            for (i, &[normalised, shift, half]) in rows.iter().enumerate() {
                let a = _mm512_sra_epi32(tile.vector(i, panel), self.acc_shift);
                let a = _mm512_max_epi32(_mm512_min_epi32(a, high), low);
                // The upper halves are multiplied by 0.
                let u = _mm512_mulhrs_epi16(a, _mm512_set1_epi32(normalised));
                let product = _mm512_add_epi32(_mm512_madd_epi16(u, c), _mm512_set1_epi32(half));
                let y = _mm512_add_epi32(_mm512_srav_epi32(product, _mm512_set1_epi32(shift)), b);
                store(tile.row + i, first, mask, y);
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn linear(rows: QuantizedRows<'_>, layer: &PackedLinear, out: &mut [i32]) {
    let half = vector::half(layer.requantizer.acc_shift);
    let product = product_of_bytes(rows.q, &layer.weights, out.len(), half);
    let epilogue = Epilogue::new(&layer.requantizer, rows.scales);
    let width = product.columns;
    for_each_tile::<false>(&product, |tile| {
        epilogue.apply(&tile, |row, first, mask, y| {
            let out = &mut out[row * width..][first..width];
            // SAFETY: the mask has no more bits than `out` has numbers.
            unsafe { _mm512_mask_storeu_epi32(out.as_mut_ptr(), mask, y) };
        });
    });
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn linear16(rows: QuantizedRows<'_>, layer: &PackedLinear, out: &mut [i16]) {
    let half = vector::half(layer.requantizer.acc_shift);
    let product = product_of_bytes(rows.q, &layer.weights, out.len(), half);
    let epilogue = Epilogue::new(&layer.requantizer, rows.scales);
    let width = product.columns;
    for_each_tile::<false>(&product, |tile| {
        epilogue.apply(&tile, |row, first, mask, y| {
            let out = &mut out[row * width..][first..width];
            // SAFETY: the mask has no more bits than `out` has numbers.
            unsafe { _mm256_mask_storeu_epi16(out.as_mut_ptr(), mask, _mm512_cvtsepi32_epi16(y)) };
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
        epilogue.apply(&tile, |row, first, mask, y| {
            let stream = &stream[row * width..][first..width];
            let sums = &mut sums[row * width..][first..width];
            // SAFETY: the mask has no more bits than the two have numbers.
            unsafe {
                let x = _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(mask, stream.as_ptr()));
                let sum = _mm512_add_epi32(_mm512_sll_epi32(x, up), y);
                let sum = _mm512_max_epi32(_mm512_min_epi32(sum, high), low);
                _mm512_mask_storeu_epi32(sums.as_mut_ptr(), mask, sum);
            }
        });
    });
}
