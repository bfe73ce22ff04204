//! Linear layers with AVX-512 VNNI: the products, then (11) and the steps after it.
//!
//! The sums of one tile go through (11) while they are in the first-level cache, between the
//! products of the next tile.
//!
//! Functions that run between products are inlined by force: a call would move all sums of a tile
//! to memory and back. Rust does not allow that for a function with a target feature. So these
//! functions have none; their callers have.
#![allow(unsafe_code, reason = "loads and stores by address, steps without a feature of their own")]

use core::arch::x86_64::*;

use std::vec::Vec;

use lockstep_arith::activation::Activation;
use lockstep_arith::layer_norm::SUM_LIMIT;
use lockstep_arith::rows::Scale;

use super::rows::{Activate, LANES, first_lanes, load, narrow, store16};
use super::tile::{
    BYTES, Operands, PAIRS, Steps, WIDE_PANELS as PANELS, WIDE_ROWS as ROWS, tile, tile_between,
};
use crate::operands::product::Product;
use crate::operands::{
    COLUMNS, GROUP, PackedLinear, PackedPairs, PackedWeights, QuantizedRows, Requantizer, WEIGHT_OFFSET,
};
use crate::plain;

/// The sums of a tile, row after row.
#[repr(C, align(64))]
struct Sums([[i32; PANELS * COLUMNS]; ROWS]);

/// Two panels of a row in the middle of (11), before the multiplication by `c`: 32 numbers. Four
/// numbers of the one panel and four of the other take turns.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Half([i16; LANES]);

/// A tile of a product: 1 to 6 rows, 1 to 4 panels.
#[derive(Clone, Copy, Default)]
struct Tile {
    row: usize,
    rows: usize,
    panel: usize,
    panels: usize,
}

impl Tile {
    /// Number of halves of the tile.
    const fn halves(self) -> usize {
        self.rows * self.panels.div_ceil(2)
    }

    /// Whether the tile has four panels whose columns all exist, or no rows at all.
    const fn is_whole(self, columns: usize) -> bool {
        self.rows == 0 || self.panels == PANELS && (self.panel + PANELS) * COLUMNS <= columns
    }
}

/// Pairs of panels of a tile.
const COUPLES: usize = PANELS / 2;

/// The halves of a tile.
type Halves = [[Half; COUPLES]; ROWS];

/// What is done with the results of (11).
trait Finish {
    /// The address that [`Self::finish`] will read or write one tile later, for a prefetch.
    fn address(&self, row: usize, first: usize) -> *const u8;

    /// Takes the results `y` of (11) of 32 channels of a row; the first one is `first`. If `WHOLE`,
    /// the row has all 32 channels, else it may have fewer.
    ///
    /// # Safety
    /// The processor has the instruction set.
    unsafe fn finish<const WHOLE: bool>(&mut self, row: usize, first: usize, y: [__m512i; 2]);
}

/// Takes the sums of one tile, and finishes those of the tile before.
struct Between<'a, F> {
    epilogue: &'a Epilogue<'a>,
    finish: &'a mut F,
    /// The tile before.
    before: Tile,
    complete: &'a Halves,
    /// First row and panel of this tile.
    row: usize,
    panel: usize,
    halves: &'a mut Halves,
}

impl<F: Finish> Between<'_, F> {
    /// Finishes half `index` of the tile before. If not `WHOLE`, some channels may not exist.
    ///
    /// # Safety
    /// As [`Steps::step`].
    #[inline(always)]
    unsafe fn finish<const WHOLE: bool>(&mut self, index: usize) {
        let couples = if WHOLE { COUPLES } else { self.before.panels.div_ceil(2) };
        let (row, pair) = (index / couples, index % couples);
        let first = (self.before.panel + 2 * pair) * COLUMNS;
        let row_of_all = self.before.row + row;
        // SAFETY: the caller's promise.
        unsafe {
            let y = self.epilogue.second::<WHOLE>(row_of_all, first, &self.complete[row][pair]);
            self.finish.finish::<WHOLE>(row_of_all, first, y);
        }
    }
}

impl<F: Finish> Steps for Between<'_, F> {
    #[inline(always)]
    fn count(&self) -> usize {
        self.before.halves()
    }

    #[inline(always)]
    unsafe fn step(&mut self, index: usize) {
        // SAFETY: the caller's promise.
        unsafe { self.finish::<true>(index) };
    }

    #[inline(always)]
    unsafe fn take<const P: usize>(&mut self, row: usize, sums: [__m512i; P]) {
        let (pairs, _) = sums.as_chunks::<2>();
        for (pair, (sums, half)) in pairs.iter().zip(&mut self.halves[row]).enumerate() {
            let address = self.finish.address(self.row + row, (self.panel + 2 * pair) * COLUMNS);
            // SAFETY: the caller's promise. A prefetch takes any address.
            unsafe {
                _mm_prefetch::<_MM_HINT_T0>(address.cast());
                self.epilogue.first(self.row + row, *sums, half);
            }
        }
    }
}

/// (10) and (11) of a whole product, panel after panel. One tile is finished between the products
/// of the next.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
#[inline]
fn multiply(product: &Product<'_>, epilogue: &Epilogue<'_>, mut finish: impl Finish) {
    let [mut halves, mut complete] = [[[Half([0; LANES]); COUPLES]; ROWS]; 2];
    let (mut halves, mut complete) = (&mut halves, &mut complete);
    let mut before = Tile::default();
    for_each_tile(product, |tile, operands| {
        let Tile { row, rows, panel, panels } = tile;
        let mut between =
            Between { epilogue, finish: &mut finish, before, complete, row, panel, halves: &mut *halves };
        // SAFETY: the operands are those of the tile; the features of this function.
        unsafe {
            if rows >= 4 && panels == PANELS && before.is_whole(product.columns) {
                tile_between(rows, operands, between);
            } else {
                for i in 0..between.count() {
                    between.finish::<false>(i);
                }
                let mut sums = Sums([[0; PANELS * COLUMNS]; ROWS]);
                let out = sums.0.as_mut_ptr().cast();
                self::tile::<BYTES>(
                    rows,
                    panels,
                    Operands { out, out_stride: PANELS * COLUMNS, ..*operands },
                );
                for (row, sums) in sums.0.iter().enumerate().take(rows) {
                    let (sums, _) = sums.as_chunks::<COLUMNS>();
                    let sums: [_; PANELS] =
                        core::array::from_fn(|i| _mm512_loadu_si512(sums[i].as_ptr().cast()));
                    between.take(row, sums);
                }
            }
        }
        before = tile;
        core::mem::swap(&mut halves, &mut complete);
    });
    let mut last = Between { epilogue, finish: &mut finish, before, complete, row: 0, panel: 0, halves };
    for i in 0..last.count() {
        // SAFETY: the features of this function.
        unsafe { last.finish::<false>(i) };
    }
}

/// The address of a row of the left operand.
fn left_row(product: &Product<'_>, row: usize) -> *const u8 {
    assert!(row < product.rows, "a row of the product");
    product.left.wrapping_add(row * product.groups * GROUP)
}

/// Calls `each` with every tile of a product of bytes and with its operands, except the outputs.
fn for_each_tile(product: &Product<'_>, mut each: impl FnMut(Tile, &Operands)) {
    let all = product.panels();
    for panel in (0..all).step_by(PANELS) {
        let panels = PANELS.min(all - panel);
        let (lines, next) = product.lines[panel * product.groups..].split_at(panels * product.groups);
        let columns = &product.column_starts[panel * COLUMNS..][..panels * COLUMNS];
        for (row, rows) in product.row_tiles(ROWS) {
            let operands = Operands {
                left: left_row(product, row),
                stride: product.groups * 4,
                lines: lines.as_ptr(),
                groups: product.groups,
                next: if next.is_empty() { lines.as_ptr() } else { next.as_ptr() },
                row_starts: product.row_starts[row..row + rows].as_ptr(),
                column_starts: columns.as_ptr(),
                out: core::ptr::null_mut(),
                out_stride: 0,
            };
            each(Tile { row, rows, panel, panels }, &operands);
        }
    }
}

/// The product of bytes. This instruction set computes the numbers that the sums of the rows start
/// with, and adds `half` to each.
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

/// Loads 32 numbers. If not `WHOLE`, `x` may have fewer; the other lanes are then zeros.
///
/// # Safety
/// The processor has the instruction set.
#[inline(always)]
unsafe fn load_whole<const WHOLE: bool>(x: &[i16]) -> __m512i {
    // SAFETY: the caller's promise; 64 bytes.
    unsafe { if WHOLE { _mm512_loadu_si512(x[..LANES].as_ptr().cast()) } else { load(x) } }
}

/// Stores 32 numbers. If not `WHOLE`, `out` may have room for fewer; only those are stored.
///
/// # Safety
/// The processor has the instruction set.
#[inline(always)]
unsafe fn store_whole<const WHOLE: bool>(out: &mut [i16], x: __m512i) {
    // SAFETY: the caller's promise; 64 bytes.
    unsafe { if WHOLE { _mm512_storeu_si512(out[..LANES].as_mut_ptr().cast(), x) } else { store16(out, x) } }
}

/// Stores 32 numbers. If not `WHOLE`, `out` may have room for fewer; only those are stored.
///
/// # Safety
/// The processor has the instruction set.
#[inline(always)]
unsafe fn store<const WHOLE: bool>(out: &mut [i32], y: [__m512i; 2]) {
    // SAFETY: the caller's promise; 128 bytes, or masks that have no more bits than `out` has
    // numbers.
    unsafe {
        if WHOLE {
            let at = out[..LANES].as_mut_ptr();
            _mm512_storeu_si512(at.cast(), y[0]);
            _mm512_storeu_si512(at.add(COLUMNS).cast(), y[1]);
        } else {
            let (at, mask) = (out.as_mut_ptr(), first_lanes(out.len()));
            _mm512_mask_storeu_epi32(at, mask as __mmask16, y[0]);
            _mm512_mask_storeu_epi32(at.wrapping_add(COLUMNS), (mask >> COLUMNS) as __mmask16, y[1]);
        }
    }
}

/// (10): [`crate::Isa::products`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(crate) fn products(q: &[i8], weights: &PackedWeights, out: &mut [i32]) {
    let product = product_of_bytes(q, weights, out.len(), 0);
    for_each_tile(&product, |tile, operands| {
        let mut sums = Sums([[0; PANELS * COLUMNS]; ROWS]);
        let operands =
            Operands { out: sums.0.as_mut_ptr().cast(), out_stride: PANELS * COLUMNS, ..*operands };
        // SAFETY: the operands are those of the tile; the features of this function.
        unsafe { self::tile::<BYTES>(tile.rows, tile.panels, operands) };
        for (row, sums) in sums.0.iter().enumerate().take(tile.rows) {
            let first = tile.panel * COLUMNS;
            let count = (tile.panels * COLUMNS).min(product.columns - first);
            let out = &mut out[(tile.row + row) * product.columns + first..][..count];
            out.copy_from_slice(&sums[..count]);
        }
    });
}

/// (19), (24): [`crate::Isa::pair_products`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(crate) fn pair_products(a: &[i16], b: &PackedPairs, out: &mut [i32]) {
    let product = Product::of_pairs(a, b, out);
    let mut sums = Sums([[0; PANELS * COLUMNS]; ROWS]);
    let zeros = [0; PANELS * COLUMNS];
    for panel in 0..product.panels() {
        let lines = &product.lines[panel * product.groups..][..product.groups];
        for (row, rows) in product.row_tiles(ROWS) {
            let operands = Operands {
                left: left_row(&product, row),
                stride: product.groups * 4,
                lines: lines.as_ptr(),
                groups: product.groups,
                next: lines.as_ptr(),
                row_starts: zeros.as_ptr(),
                column_starts: zeros.as_ptr(),
                out: sums.0.as_mut_ptr().cast(),
                out_stride: PANELS * COLUMNS,
            };
            // SAFETY: `row..row + rows` are rows of the product, of `groups` groups; `lines` is one
            // panel of `groups` lines, there are zeros for all starts, and `sums` has room for a
            // tile.
            unsafe { tile::<PAIRS>(rows, 1, operands) };
            for (i, sums) in sums.0.iter().enumerate().take(rows) {
                let out = product.cell(row + i, panel, out);
                out.copy_from_slice(&sums[..out.len()]);
            }
        }
    }
}

/// (11) of the sums of tiles, in two parts: the first works on sums in registers, the second is the
/// rest. The sums already include half of `2^acc_shift`.
struct Epilogue<'a> {
    layer: &'a Requantizer,
    acc_shift: __m128i,
    /// For each row: the `m_n` that (11) multiplies by, the shift of its output, and half of that
    /// power of two.
    rows: Vec<[i32; 3]>,
}

impl<'a> Epilogue<'a> {
    #[target_feature(enable = "avx512f")]
    fn new(layer: &'a Requantizer, scales: &[Scale]) -> Self {
        let mut rows = Vec::with_capacity(scales.len());
        for scale in scales {
            let shift = layer.out_shift + scale.shift;
            rows.push([scale.normalised().into(), shift, plain::rounding::half(shift)]);
        }
        Self { layer, acc_shift: _mm_cvtsi32_si128(layer.acc_shift), rows }
    }

    /// (11) of the sums of a row and two panels, up to the product with `m_n`. This stores results
    /// of that product and not the sums: to store a register of sums would delay the products.
    ///
    /// # Safety
    /// The processor has the instruction set.
    #[inline(always)]
    unsafe fn first(&self, row: usize, sums: [__m512i; 2], half: &mut Half) {
        let [normalised, ..] = self.rows[row];
        // SAFETY: the caller's promise; 64 aligned bytes.
        unsafe {
            let [low, high] = sums.map(|sum| _mm512_sra_epi32(sum, self.acc_shift));
            let u = _mm512_mulhrs_epi16(_mm512_packs_epi32(low, high), _mm512_set1_epi16(normalised as i16));
            _mm512_store_si512(half.0.as_mut_ptr().cast(), u);
        }
    }

    /// The rest of (11): the results of 32 channels of a row; the first one is `first`.
    ///
    /// # Safety
    /// The processor has the instruction set.
    #[inline(always)]
    unsafe fn second<const WHOLE: bool>(&self, row: usize, first: usize, half: &Half) -> [__m512i; 2] {
        let [_, shift, rounding] = self.rows[row];
        // SAFETY: the caller's promise; 64 aligned bytes.
        unsafe {
            let [c, b] = self.channels::<WHOLE>(first);
            let u = _mm512_load_si512(half.0.as_ptr().cast());
            let (zero, shift) = (_mm512_setzero_si512(), _mm_cvtsi32_si128(shift));
            let low = _mm512_dpwssd_epi32(_mm512_set1_epi32(rounding), _mm512_unpacklo_epi16(u, zero), c[0]);
            let high = _mm512_dpwssd_epi32(_mm512_set1_epi32(rounding), _mm512_unpackhi_epi16(u, zero), c[1]);
            [
                _mm512_add_epi32(_mm512_sra_epi32(low, shift), b[0]),
                _mm512_add_epi32(_mm512_sra_epi32(high, shift), b[1]),
            ]
        }
    }

    /// Multipliers and biases of 32 channels; zeros for channels that do not exist.
    ///
    /// # Safety
    /// The processor has the instruction set.
    #[inline(always)]
    unsafe fn channels<const WHOLE: bool>(&self, first: usize) -> [[__m512i; 2]; 2] {
        let (multipliers, biases) = (&self.layer.multipliers[first..], &self.layer.biases[first..]);
        // SAFETY: the caller's promise; 64 and 128 bytes, or masks that have as many bits as there
        // are channels.
        unsafe {
            let (c, b) = if WHOLE {
                let (c, b) = (multipliers[..LANES].as_ptr(), biases[..LANES].as_ptr());
                let c = [_mm256_loadu_si256(c.cast()), _mm256_loadu_si256(c.add(COLUMNS).cast())];
                (c, [_mm512_loadu_si512(b.cast()), _mm512_loadu_si512(b.add(COLUMNS).cast())])
            } else {
                let (c, mask) = (load(multipliers), first_lanes(biases.len()));
                let (low, high) = (mask as __mmask16, (mask >> COLUMNS) as __mmask16);
                let b = [
                    _mm512_maskz_loadu_epi32(low, biases.as_ptr()),
                    _mm512_maskz_loadu_epi32(high, biases.as_ptr().wrapping_add(COLUMNS)),
                ];
                ([_mm512_castsi512_si256(c), _mm512_extracti64x4_epi64::<1>(c)], b)
            };
            let c = [_mm512_cvtepu16_epi32(c[0]), _mm512_cvtepu16_epi32(c[1])];
            [c, b]
        }
    }
}

/// Stores the 32-bit results.
struct Requantize<'a> {
    out: &'a mut [i32],
    width: usize,
}

impl Finish for Requantize<'_> {
    #[inline(always)]
    fn address(&self, row: usize, first: usize) -> *const u8 {
        self.out.as_ptr().wrapping_add(row * self.width + first).cast()
    }

    #[inline(always)]
    unsafe fn finish<const WHOLE: bool>(&mut self, row: usize, first: usize, y: [__m512i; 2]) {
        let out = &mut self.out[row * self.width..][first..self.width];
        // SAFETY: the caller's promise.
        unsafe { store::<WHOLE>(out, y) };
    }
}

/// (10), (11): [`crate::Isa::linear`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(crate) fn linear(rows: QuantizedRows<'_>, layer: &PackedLinear, out: &mut [i32]) {
    let (product, epilogue) = operands(rows, layer, out.len());
    multiply(&product, &epilogue, Requantize { out, width: product.columns });
}

/// The product of a layer, and (11) of its sums.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn operands<'a>(
    rows: QuantizedRows<'a>,
    layer: &'a PackedLinear,
    outputs: usize,
) -> (Product<'a>, Epilogue<'a>) {
    rows.check(layer, outputs);
    let half = plain::rounding::half(layer.requantizer.acc_shift);
    let product = product_of_bytes(rows.q, &layer.weights, outputs, half);
    (product, Epilogue::new(&layer.requantizer, rows.scales))
}

/// Stores the results narrowed by (3).
struct Narrow<'a> {
    out: &'a mut [i16],
    width: usize,
}

impl Finish for Narrow<'_> {
    #[inline(always)]
    fn address(&self, row: usize, first: usize) -> *const u8 {
        self.out.as_ptr().wrapping_add(row * self.width + first).cast()
    }

    #[inline(always)]
    unsafe fn finish<const WHOLE: bool>(&mut self, row: usize, first: usize, y: [__m512i; 2]) {
        let out = &mut self.out[row * self.width..][first..self.width];
        // SAFETY: the caller's promise.
        unsafe {
            store_whole::<WHOLE>(out, narrow(y[0], y[1]));
        }
    }
}

/// (10), (11), (3): [`crate::Isa::linear16`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(crate) fn linear16(rows: QuantizedRows<'_>, layer: &PackedLinear, out: &mut [i16]) {
    let (product, epilogue) = operands(rows, layer, out.len());
    multiply(&product, &epilogue, Narrow { out, width: product.columns });
}

/// [`Narrow`], then (28) to (30).
struct Activated<'a> {
    activate: Activate,
    equaliser: &'a [i16],
    out: &'a mut [i16],
}

impl Finish for Activated<'_> {
    #[inline(always)]
    fn address(&self, row: usize, first: usize) -> *const u8 {
        self.out.as_ptr().wrapping_add(row * self.equaliser.len() + first).cast()
    }

    #[inline(always)]
    unsafe fn finish<const WHOLE: bool>(&mut self, row: usize, first: usize, y: [__m512i; 2]) {
        let width = self.equaliser.len();
        let out = &mut self.out[row * width..][first..width];
        // SAFETY: the caller's promise.
        unsafe {
            let y = narrow(y[0], y[1]);
            let e = load_whole::<WHOLE>(&self.equaliser[first..]);
            store_whole::<WHOLE>(out, self.activate.apply(y, e));
        }
    }
}

/// (10), (11), (3), (28) to (30): [`crate::Isa::linear_activate`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(crate) fn linear_activate(
    rows: QuantizedRows<'_>,
    layer: &PackedLinear,
    activation: &Activation,
    out: &mut [i16],
) {
    assert_eq!(activation.equaliser.len(), layer.weights.outputs(), "an equaliser for each channel");
    let (product, epilogue) = operands(rows, layer, out.len());
    let equaliser = &activation.equaliser;
    let activate = Activate::new(activation);
    multiply(&product, &epilogue, Activated { activate, equaliser, out });
}

/// Stores the sum of (12) with its clamp.
struct Residual<'a> {
    stream: &'a [i16],
    shift: __m128i,
    sums: &'a mut [i32],
    width: usize,
}

impl Finish for Residual<'_> {
    #[inline(always)]
    fn address(&self, row: usize, first: usize) -> *const u8 {
        self.stream.as_ptr().wrapping_add(row * self.width + first).cast()
    }

    #[inline(always)]
    unsafe fn finish<const WHOLE: bool>(&mut self, row: usize, first: usize, y: [__m512i; 2]) {
        let range = row * self.width + first..(row + 1) * self.width;
        let (stream, out) = (&self.stream[range.clone()], &mut self.sums[range]);
        // SAFETY: the caller's promise.
        unsafe {
            let (least, most) = (_mm512_set1_epi32(-SUM_LIMIT), _mm512_set1_epi32(SUM_LIMIT));
            let x = load_whole::<WHOLE>(stream);
            let x = [_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64::<1>(x)];
            let sum = |x, y| {
                let sum = _mm512_add_epi32(_mm512_sll_epi32(_mm512_cvtepi16_epi32(x), self.shift), y);
                _mm512_max_epi32(_mm512_min_epi32(sum, most), least)
            };
            store::<WHOLE>(out, [sum(x[0], y[0]), sum(x[1], y[1])]);
        }
    }
}

/// (10), (11), (12): [`crate::Isa::linear_sum`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(crate) fn linear_sum(
    rows: QuantizedRows<'_>,
    layer: &PackedLinear,
    stream: &[i16],
    residual_shift: i32,
    sums: &mut [i32],
) {
    assert_eq!(stream.len(), sums.len(), "a number of the stream for each sum");
    let (product, epilogue) = operands(rows, layer, sums.len());
    let shift = _mm_cvtsi32_si128(residual_shift);
    multiply(&product, &epilogue, Residual { stream, shift, sums, width: product.columns });
}
