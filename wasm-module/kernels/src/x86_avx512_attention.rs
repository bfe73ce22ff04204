//! Attention of one head with AVX-512 VNNI: scores from bytes, weighted sums from pairs, eight queries at a time.
//!
//! A key is stored +128, so that it is the unsigned side of the product. That adds the same number to all scores of a
//! query, and (21) looks at their differences only.
#![allow(unsafe_code, reason = "loads, stores and operands that are read by address")]

use core::arch::x86_64::*;
use std::vec::Vec;

use lockstep_arith::attention::{ContextScale, HeadScale};
use lockstep_arith::rows::{Scale, Sign};

use crate::attention::Attention;
use crate::packed::{COLUMNS, GROUP, Line};
use crate::scratch::room;
use crate::vector;
use crate::x86_avx512_rows::{self, LANES, first_lanes, load, narrow};
use crate::x86_avx512_tile::{Operands, PANELS, ROWS, tile};

/// The operands of one head.
#[derive(Debug, Default)]
pub(crate) struct Packed {
    queries: Vec<i8>,
    keys: Vec<i8>,
    key_lines: Vec<Line>,
    value_lines: Vec<Line>,
    scores: Vec<i32>,
    weights: Vec<i16>,
    weighted: Vec<i32>,
}

/// Columns of a head in the rows of a projection.
#[derive(Clone, Copy)]
struct Block<'a> {
    projected: &'a [i16],
    stride: usize,
    first: usize,
    width: usize,
}

impl Block<'_> {
    fn row(&self, row: usize) -> &[i16] {
        &self.projected[row * self.stride + self.first..][..self.width]
    }

    /// (5), (6) of the block.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
    fn scale(&self, rows: usize) -> Scale {
        let mut greatest = _mm512_setzero_si512();
        for row in 0..rows {
            for x in self.row(row).chunks(LANES) {
                greatest = _mm512_max_epu16(greatest, _mm512_abs_epi16(load(x)));
            }
        }
        Scale::of_max(x86_avx512_rows::greatest(greatest))
    }
}

/// (8) of a block.
#[derive(Clone, Copy)]
struct Quantizer {
    shift: __m128i,
    reciprocal: __m512i,
}

impl Quantizer {
    #[target_feature(enable = "avx512f,avx512bw")]
    fn new(scale: Scale) -> Self {
        Self {
            shift: _mm_cvtsi32_si128(scale.shift),
            reciprocal: _mm512_set1_epi16(scale.reciprocal(Sign::Signed)),
        }
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    fn apply(self, x: __m512i) -> __m512i {
        let wide = _mm512_mulhrs_epi16(_mm512_sll_epi16(x, self.shift), self.reciprocal);
        _mm512_srai_epi16::<7>(_mm512_add_epi16(wide, _mm512_set1_epi16(64)))
    }
}

/// (19) to (27) of one head of one sequence.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(crate) fn attend(
    attention: &Attention,
    head: usize,
    projected: &[i16],
    context: &mut [i16],
    packed: &mut Packed,
) {
    let &Attention { hidden, heads, score } = attention;
    let (width, stride) = (hidden / heads, 3 * hidden);
    let n = projected.len() / stride;
    let block = |part: usize| Block { projected, stride, first: part * hidden + head * width, width };
    let [query_scale, key_scale, value_scale] = [0, 1, 2].map(|part| block(part).scale(n));
    let head_scale = score.of_head(query_scale, key_scale);

    let groups = width.div_ceil(GROUP);
    let (key_panels, value_panels) = (n.div_ceil(COLUMNS), width.div_ceil(COLUMNS));
    let pairs = n.div_ceil(2);
    // Whole registers of scores and of weights.
    let padded = n.next_multiple_of(LANES);
    let queries = room(&mut packed.queries, n * groups * GROUP, 0);
    let keys = room(&mut packed.keys, key_panels * COLUMNS * groups * GROUP, 0);
    let key_lines = room(&mut packed.key_lines, key_panels * groups, Line([0; 64]));
    let value_lines = room(&mut packed.value_lines, value_panels * pairs, Line([0; 64]));
    let scores = room(&mut packed.scores, ROWS * padded, 0);
    let weights = room(&mut packed.weights, ROWS * padded, 0);
    let weighted = room(&mut packed.weighted, ROWS * value_panels * COLUMNS, 0);

    pack_bytes(block(0), Quantizer::new(query_scale), 0, queries);
    pack_bytes(block(1), Quantizer::new(key_scale), 128, &mut keys[..n * groups * GROUP]);
    transpose(keys, groups, key_lines);
    pack_pairs(block(2), Quantizer::new(value_scale), n, value_lines);

    let zeros = [0; PANELS * COLUMNS];
    for first in (0..n).step_by(ROWS) {
        let rows = ROWS.min(n - first);
        let by_bytes = Operands {
            left: queries[first * groups * GROUP..].as_ptr().cast(),
            stride: groups * GROUP,
            lines: key_lines.as_ptr(),
            groups,
            next: key_lines.as_ptr(),
            row_starts: zeros.as_ptr(),
            column_starts: zeros.as_ptr(),
            out: scores.as_mut_ptr(),
            out_stride: padded,
        };
        // SAFETY: `rows` queries, and as many panels of keys as `key_lines` and a row of `scores` hold.
        unsafe { all_panels::<false>(rows, key_panels, by_bytes) };
        let mut sums = [0; ROWS];
        for (row, sum) in sums.iter_mut().enumerate().take(rows) {
            let range = row * padded..(row + 1) * padded;
            *sum = softmax(&scores[range.clone()], n, head_scale, &mut weights[range]);
        }
        let by_pairs = Operands {
            left: weights.as_ptr().cast(),
            stride: padded * size_of::<i16>(),
            lines: value_lines.as_ptr(),
            groups: pairs,
            next: value_lines.as_ptr(),
            row_starts: zeros.as_ptr(),
            column_starts: zeros.as_ptr(),
            out: weighted.as_mut_ptr(),
            out_stride: value_panels * COLUMNS,
        };
        // SAFETY: `rows` rows of at least `pairs` pairs of weights, and the panels of `value_lines` and `weighted`.
        unsafe { all_panels::<true>(rows, value_panels, by_pairs) };
        for (row, &sum) in sums.iter().enumerate().take(rows) {
            let weighted = &weighted[row * value_panels * COLUMNS..][..width];
            let out = &mut context[(first + row) * hidden + head * width..][..width];
            vector::context(weighted, ContextScale::of(sum, value_scale), out);
        }
    }
}

/// Rows by any number of panels, the outputs of a panel beside those of the one before.
///
/// # Safety
/// As [`tile`], for all panels.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn all_panels<const PAIRS: bool>(rows: usize, panels: usize, operands: Operands) {
    for panel in (0..panels).step_by(PANELS) {
        // SAFETY: the caller's promise.
        unsafe {
            let lines = operands.lines.add(panel * operands.groups);
            let out = operands.out.add(panel * COLUMNS);
            tile::<PAIRS>(rows, PANELS.min(panels - panel), Operands { lines, out, ..operands });
        }
    }
}

/// A block as rows of bytes, each with `offset` added, padded by zeros (before the offset) to whole groups.
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn pack_bytes(block: Block<'_>, quantizer: Quantizer, offset: u8, out: &mut [i8]) {
    let offset = _mm256_set1_epi8(offset as i8);
    let stride = block.width.next_multiple_of(GROUP);
    for (row, out) in out.chunks_exact_mut(stride).enumerate() {
        for (x, out) in block.row(row).chunks(LANES).zip(out.chunks_mut(LANES)) {
            let bytes = _mm256_xor_si256(_mm512_cvtepi16_epi8(quantizer.apply(load(x))), offset);
            // SAFETY: the mask has as many bits as `out` has bytes.
            unsafe { _mm256_mask_storeu_epi8(out.as_mut_ptr(), first_lanes(out.len()), bytes) };
        }
    }
}

/// Rows of `groups` groups of bytes become lines: a panel is 16 rows.
#[target_feature(enable = "avx512f")]
fn transpose(rows: &[i8], groups: usize, lines: &mut [Line]) {
    let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let offsets = _mm512_mullo_epi32(lanes, _mm512_set1_epi32((groups * GROUP) as i32));
    let panels = rows.chunks_exact(COLUMNS * groups * GROUP).zip(lines.chunks_exact_mut(groups));
    for (rows, lines) in panels {
        for (group, line) in rows[..groups * GROUP].chunks_exact(GROUP).zip(lines) {
            // SAFETY: the offsets are those of 16 rows; a line is 64 bytes.
            unsafe {
                let gathered = _mm512_i32gather_epi32::<1>(offsets, group.as_ptr().cast());
                _mm512_store_si512(line.0.as_mut_ptr().cast(), gathered);
            }
        }
    }
}

/// A block of `n` rows as lines of pairs: two rows and 16 columns a line; a row that is missing is zeros.
#[target_feature(enable = "avx512f,avx512bw")]
fn pack_pairs(block: Block<'_>, quantizer: Quantizer, n: usize, lines: &mut [Line]) {
    let pairs = n.div_ceil(2);
    let mut indices = [[0_i16; LANES]; 2];
    for (half, indices) in indices.iter_mut().enumerate() {
        for (i, index) in indices.iter_mut().enumerate() {
            *index = (half * COLUMNS + i / 2 + i % 2 * LANES) as i16;
        }
    }
    // SAFETY: arrays of 64 bytes.
    let indices = indices.map(|indices| unsafe { _mm512_loadu_si512(indices.as_ptr().cast()) });
    for pair in 0..pairs {
        let second = (2 * pair + 1 < n).then(|| block.row(2 * pair + 1));
        for (i, x) in block.row(2 * pair).chunks(LANES).enumerate() {
            let a = quantizer.apply(load(x));
            let b = quantizer.apply(load(second.map_or(&[], |second| &second[i * LANES..][..x.len()])));
            for (half, index) in indices.into_iter().enumerate() {
                if let Some(line) = lines.get_mut((2 * i + half) * pairs + pair) {
                    // SAFETY: a line is 64 bytes.
                    unsafe {
                        let line = line.0.as_mut_ptr().cast();
                        _mm512_store_si512(line, _mm512_permutex2var_epi16(a, index, b));
                    }
                }
            }
        }
    }
}

/// (21) to (23) of one row of `n` scores; the two slices are whole registers.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
fn softmax(scores: &[i32], n: usize, head: HeadScale, weights: &mut [i16]) -> u32 {
    let mut best = _mm512_set1_epi32(i32::MIN);
    let (registers, _) = scores.as_chunks::<COLUMNS>();
    for (i, a) in registers.iter().enumerate() {
        let mask = first_lanes(n.saturating_sub(i * COLUMNS)) as __mmask16;
        // SAFETY: an array of 64 bytes.
        best = _mm512_mask_max_epi32(best, mask, best, unsafe { _mm512_loadu_si512(a.as_ptr().cast()) });
    }
    let best = _mm512_set1_epi32(_mm512_reduce_max_epi32(best));
    let down = _mm_cvtsi32_si128(head.shift.max(0));
    let up = _mm_cvtsi32_si128((-head.shift).max(0));
    let half = _mm512_set1_epi32(vector::half(head.shift));
    let factor = _mm512_set1_epi16(head.factor);
    let one = _mm512_set1_epi16(1);
    let mut sum = _mm512_setzero_si512();
    let (registers, _) = scores.as_chunks::<LANES>();
    let (outputs, _) = weights.as_chunks_mut::<LANES>();
    for (i, (a, out)) in registers.iter().zip(outputs).enumerate() {
        let (a, _) = a.as_chunks::<COLUMNS>();
        let distance = |i: usize| {
            // SAFETY: an array of 64 bytes.
            let a = unsafe { _mm512_loadu_si512(a[i].as_ptr().cast()) };
            let rounded = _mm512_sra_epi32(_mm512_add_epi32(_mm512_sub_epi32(best, a), half), down);
            _mm512_sll_epi32(rounded, up)
        };
        let u = _mm512_mulhrs_epi16(narrow(distance(0), distance(1)), factor);
        let f = _mm512_slli_epi16::<5>(_mm512_and_si512(u, _mm512_set1_epi16(1023)));
        let inner =
            _mm512_sub_epi16(_mm512_set1_epi16(22026), _mm512_mulhrs_epi16(f, _mm512_set1_epi16(5680)));
        let e = _mm512_sub_epi16(_mm512_set1_epi16(32766), _mm512_mulhrs_epi16(f, inner));
        // (2) with a power of two, in two shifts; 15 octaves and more give 0.
        let p = _mm512_add_epi16(_mm512_srlv_epi16(e, _mm512_srli_epi16::<10>(u)), one);
        let p = _mm512_maskz_srli_epi16::<1>(first_lanes(n.saturating_sub(i * LANES)), p);
        sum = _mm512_add_epi32(sum, _mm512_madd_epi16(p, one));
        // SAFETY: an array of 64 bytes.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), p) };
    }
    _mm512_reduce_add_epi32(sum) as u32
}
