//! AVX2: 8 columns in one instruction, products of bytes by `vpmaddubsw`.
#![allow(unsafe_code, reason = "loads and the entry into functions that need the instruction set")]

use core::arch::x86_64::*;

use lockstep_arith::activation::Activation;
use lockstep_arith::attention::{ContextScale, HeadScale};
use lockstep_arith::layer_norm::LayerNorm;
use lockstep_arith::rows::{Scale, Sign};

use super::forward::forward_steps;
use super::items;
use crate::isa::Isa;
use crate::operands::product::Product;
use crate::operands::strip::{self, Inputs, LONGEST, Loads, Strip, StripLine};
use crate::operands::{COLUMNS, GROUP, Line, PackedPairs, PackedWeights, Requantizer};
use crate::plain;

/// Rows of a tile that is one panel wide: 8 of the 16 registers accumulate.
const ROWS: usize = 4;
/// Registers of a panel.
pub(super) const PARTS: usize = 2;

/// Proof that the processor has the instructions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx2(());

impl Avx2 {
    /// The kernel, if this processor has AVX2.
    pub(super) fn find() -> Option<&'static dyn Isa> {
        std::arch::is_x86_feature_detected!("avx2").then_some(&Self(()))
    }
}

impl Isa for Avx2 {
    fn name(&self) -> &'static str {
        "x86-avx2"
    }

    fn products(&self, q: &[i8], weights: &PackedWeights, out: &mut [i32]) {
        // SAFETY: `self` proves the feature.
        unsafe { products(*self, q, weights, out) }
    }

    fn pair_products(&self, a: &[i16], b: &PackedPairs, out: &mut [i32]) {
        let product = Product::of_pairs(a, b, out);
        // SAFETY: `self` proves the feature.
        unsafe { multiply::<true>(&product, out) }
    }

    forward_steps!("avx2");

    fn activate(&self, v: &mut [i16], activation: &Activation) {
        // SAFETY: `self` proves the feature.
        unsafe { activate(v, activation) }
    }

    fn dots(&self, query: &[i16], rows: &[i16], out: &mut [i64]) {
        // SAFETY: `self` proves the feature.
        unsafe { items::dots(query, rows, out) }
    }

    fn high_dots(&self, queries: &[i16], width: usize, rows: &[i8], out: &mut [i64]) {
        // SAFETY: `self` proves the feature.
        unsafe { items::high_dots(queries, width, rows, out) }
    }
}

impl Loads for Avx2 {
    type Sums = __m128i;

    #[inline(always)]
    fn of(self, line: &Inputs) -> __m128i {
        // SAFETY: `self` proves the feature; sixteen bytes.
        unsafe {
            let line = _mm_loadu_si128(line.as_ptr().cast());
            let positive = _mm_max_epi8(line, _mm_setzero_si128());
            let negative = _mm_sub_epi8(positive, line);
            let ones = _mm_set1_epi8(1);
            _mm_packus_epi16(_mm_maddubs_epi16(positive, ones), _mm_maddubs_epi16(negative, ones))
        }
    }

    #[inline(always)]
    fn add(self, a: __m128i, b: __m128i) -> Option<__m128i> {
        // SAFETY: `self` proves the feature.
        unsafe {
            let sums = _mm_adds_epu8(a, b);
            (_mm_movemask_epi8(_mm_cmpeq_epi8(sums, _mm_set1_epi8(-1))) == 0).then_some(sums)
        }
    }
}

/// Products of bytes: a single row directly, more rows in strips.
#[target_feature(enable = "avx2")]
fn products(isa: Avx2, q: &[i8], weights: &PackedWeights, out: &mut [i32]) {
    let mut product = Product::of_bytes(q, weights, out, plain::sum);
    if product.rows == 1 {
        return multiply::<false>(&product, out);
    }
    let strips = strip::strips(isa, &mut product, q, weights);
    for panel in 0..product.panels() {
        for (i, strip) in strips.iter().enumerate() {
            strip_tile(&product, strip, i * strip::ROWS, panel, out);
        }
    }
}

/// Multiplies a strip by one panel.
#[target_feature(enable = "avx2")]
#[inline(never)]
fn strip_tile(product: &Product<'_>, strip: &Strip, row: usize, panel: usize, out: &mut [i32]) {
    let weights = &product.lines[panel * product.groups..][..product.groups];
    let ones = _mm256_set1_epi16(1);
    let mut acc = [[_mm256_setzero_si256(); PARTS]; strip::ROWS];
    let mut lines = strip.lines.as_slice();
    for (length, &count) in strip.groups.iter().enumerate().rev() {
        for _ in 0..count {
            let group;
            (group, lines) = lines.split_at(length);
            // Most groups have the greatest length, and for them the compiler unrolls the loop.
            let sums = match group.as_array::<LONGEST>() {
                Some(group) => group_sums(weights, group),
                None => group_sums(weights, group),
            };
            for (acc, sums) in acc.iter_mut().zip(sums) {
                for (acc, sum) in acc.iter_mut().zip(sums) {
                    *acc = _mm256_add_epi32(*acc, _mm256_madd_epi16(sum, ones));
                }
            }
        }
    }
    for (r, acc) in acc.into_iter().enumerate().take(product.rows - row) {
        store::<false>(product, acc, row + r, panel, out);
    }
}

/// Multiplies all rows by all panels.
#[target_feature(enable = "avx2")]
fn multiply<const PAIRS: bool>(product: &Product<'_>, out: &mut [i32]) {
    for panel in 0..product.panels() {
        for (row, count) in product.row_tiles(ROWS) {
            match count {
                1 => tile::<1, PAIRS>(product, row, panel, out),
                2 => tile::<2, PAIRS>(product, row, panel, out),
                3 => tile::<3, PAIRS>(product, row, panel, out),
                _ => tile::<ROWS, PAIRS>(product, row, panel, out),
            }
        }
    }
}

/// Multiplies `R` rows by one panel.
#[target_feature(enable = "avx2")]
fn tile<const R: usize, const PAIRS: bool>(product: &Product<'_>, row: usize, panel: usize, out: &mut [i32]) {
    let groups = product.groups;
    assert!(row + R <= product.rows && panel < product.panels(), "a tile inside the product");
    let ones = _mm256_set1_epi16(1);
    let mut acc = [[_mm256_setzero_si256(); PARTS]; R];
    for g in 0..groups {
        // SAFETY: `panel < panels()` and `g < groups`; `lines` has `panels() * groups` elements of
        // 64 bytes.
        let lines = unsafe {
            let line = product.lines.as_ptr().add(panel * groups + g).cast::<__m256i>();
            [_mm256_load_si256(line), _mm256_load_si256(line.add(1))]
        };
        for (r, acc) in acc.iter_mut().enumerate() {
            // SAFETY: `row + r < rows` and `g < groups`; `left` has `rows` rows of `groups` groups
            // of 4 bytes.
            let a =
                unsafe { product.left.add(((row + r) * groups + g) * GROUP).cast::<i32>().read_unaligned() };
            let a = _mm256_set1_epi32(a);
            for (acc, line) in acc.iter_mut().zip(lines) {
                // A byte of a line is at most 127, so the sum of two products does not saturate.
                let sums = if PAIRS {
                    _mm256_madd_epi16(a, line)
                } else {
                    _mm256_madd_epi16(_mm256_maddubs_epi16(line, a), ones)
                };
                *acc = _mm256_add_epi32(*acc, sums);
            }
        }
    }
    for (r, acc) in acc.into_iter().enumerate() {
        store::<PAIRS>(product, acc, row + r, panel, out);
    }
}

/// Returns the sums, in 16 bits, of the products of one group.
#[target_feature(enable = "avx2")]
#[inline]
fn group_sums(weights: &[Line], group: &[StripLine]) -> [[__m256i; PARTS]; strip::ROWS] {
    let mut sums = [[_mm256_setzero_si256(); PARTS]; strip::ROWS];
    for line in group {
        // SAFETY: 64 aligned bytes lie inside `weights` at the offset of each line.
        let weights = unsafe {
            let at = weights.as_ptr().cast::<u8>().add(line.offset as usize).cast::<__m256i>();
            [_mm256_load_si256(at), _mm256_load_si256(at.add(1))]
        };
        for (sums, inputs) in sums.iter_mut().zip(line.inputs.as_chunks::<GROUP>().0) {
            let inputs = _mm256_set1_epi32(i32::from_ne_bytes(inputs.map(|q| q as u8)));
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = _mm256_add_epi16(*sum, _mm256_maddubs_epi16(weights, inputs));
            }
        }
    }
    sums
}

/// Writes the sums of a row and a panel. For bytes, this adds the numbers that both start with.
#[target_feature(enable = "avx2")]
pub(super) fn store<const PAIRS: bool>(
    product: &Product<'_>,
    acc: [__m256i; PARTS],
    row: usize,
    panel: usize,
    out: &mut [i32],
) {
    let mut sums = [0; COLUMNS];
    for (sums, acc) in sums.chunks_exact_mut(COLUMNS / PARTS).zip(acc) {
        // SAFETY: eight numbers of 32 bits.
        unsafe { _mm256_storeu_si256(sums.as_mut_ptr().cast(), acc) };
    }
    if !PAIRS {
        for (sum, &start) in sums.iter_mut().zip(product.column_start(panel)) {
            *sum += start + product.row_starts[row];
        }
    }
    let out = product.cell(row, panel, out);
    match out.first_chunk_mut() {
        Some(out) => *out = sums,
        None => out.copy_from_slice(&sums[..out.len()]),
    }
}

/// (28) to (30) of rows, 16 numbers at a time. The plain loop does the last numbers of a row.
#[target_feature(enable = "avx2")]
pub(super) fn activate(v: &mut [i16], activation: &Activation) {
    const LANES: usize = 16;
    let f = activation.bump.fraction_bits;
    let tables = activation.bump.coefficients.map(|c| {
        // SAFETY: eight numbers of 16 bits.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(c.as_ptr().cast()) })
    });
    let limit = _mm256_set1_epi16(((4 << f) - 1) as i16);
    let up = _mm_cvtsi32_si128(13 - f);
    let down = _mm_cvtsi32_si128(16 - f);
    let offset = _mm256_set1_epi16(activation.offset);
    let (zero, one) = (_mm256_setzero_si256(), _mm256_set1_epi16(1));
    for v in v.chunks_exact_mut(activation.equaliser.len()) {
        let (vectors, tail) = v.as_chunks_mut::<LANES>();
        let (equalisers, tail_equaliser) = activation.equaliser.as_chunks::<LANES>();
        for (v, e) in vectors.iter_mut().zip(equalisers) {
            // SAFETY: arrays of 32 bytes.
            let (x, e) =
                unsafe { (_mm256_loadu_si256(v.as_ptr().cast()), _mm256_loadu_si256(e.as_ptr().cast())) };
            // The minimum is unsigned, because the magnitude of -32768 is 32768.
            let t = _mm256_sll_epi16(_mm256_min_epu16(_mm256_abs_epi16(x), limit), up);
            // Bytes 2 s and 2 s + 1 of a table are the coefficient of segment s.
            let segment = _mm256_srli_epi16::<12>(t);
            let bytes = _mm256_add_epi16(
                _mm256_mullo_epi16(segment, _mm256_set1_epi16(0x0202)),
                _mm256_set1_epi16(0x0100),
            );
            let [c0, c1, c2] = tables.map(|c| _mm256_shuffle_epi8(c, bytes));
            let l = _mm256_slli_epi16::<3>(_mm256_and_si256(t, _mm256_set1_epi16(4095)));
            let inner = _mm256_add_epi16(c1, _mm256_mulhrs_epi16(l, c2));
            let bump = _mm256_add_epi16(c0, _mm256_mulhrs_epi16(l, inner));
            // (1) in two shifts: with a single one, the sum before it may exceed 16 bits.
            let bump = _mm256_srai_epi16::<1>(_mm256_add_epi16(_mm256_sra_epi16(bump, down), one));
            // The rise is not negative: if it saturates, the sum saturates too.
            let a = _mm256_adds_epi16(_mm256_max_epi16(x, zero), _mm256_subs_epi16(offset, bump));
            // SAFETY: an array of 32 bytes.
            unsafe { _mm256_storeu_si256(v.as_mut_ptr().cast(), _mm256_mulhrs_epi16(a, e)) };
        }
        plain::activation::activate_row(tail, tail_equaliser, activation);
    }
}
