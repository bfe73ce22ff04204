//! Attention of one head with AVX-512 VNNI: scores from bytes, weighted sums from pairs, 32 queries
//! at a time.
//!
//! Each query has one lane, from its scores to its context. So maxima and sums are computed between
//! registers, never across the lanes of one. Keys are stored +128, because the instruction
//! multiplies unsigned bytes by signed ones. This adds the same number to all scores of a query;
//! (21) uses only their differences.
#![allow(unsafe_code, reason = "loads, stores and operands that are read by address")]

use core::arch::x86_64::*;

use lockstep_arith::attention::{ContextScale, HeadScale};
use lockstep_arith::rows::{Scale, Sign};

use super::rows::{self, LANES, first_lanes, load, store16};
use super::tile::{COLUMNS_OF_PAIRS, Operands, ROWS, UNSIGNED_ROWS, tile};
use crate::operands::lanes::{Lanes, LanesOfHead};
use crate::operands::{COLUMNS, GROUP, Head, Line, Part, room};
use crate::plain;

/// Panels of queries that are evaluated together.
const PANELS: usize = 2;

/// The columns of one part of a head in the projected rows.
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
        Scale::of_max(rows::greatest(greatest))
    }
}

/// The parameters of (8) for one block.
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

/// (19) to (27) of one head of one sequence: [`crate::Isa::attend`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
pub(crate) fn attend(head: &Head<'_>, packed: &mut LanesOfHead, context: &mut [i16]) {
    let &Head { projected, hidden, column, width, score } = head;
    let (stride, n) = (3 * hidden, head.tokens());
    let block = |part| Block { projected, stride, first: head.first(part), width };
    let [query_scale, key_scale, value_scale] =
        [Part::Query, Part::Key, Part::Value].map(|part| block(part).scale(n));
    let head_scale = score.of_head(query_scale, key_scale);

    let groups = width.div_ceil(GROUP);
    let (query_panels, value_panels) = (n.div_ceil(COLUMNS), width.div_ceil(COLUMNS));
    let pairs = n.div_ceil(2);
    let queries = room(&mut packed.queries, query_panels * COLUMNS * groups * GROUP, 0);
    let keys = room(&mut packed.keys, n * groups * GROUP, 0);
    let query_lines = room(&mut packed.query_lines, query_panels * groups, Line([0; 64]));
    let value_lines = room(&mut packed.value_lines, value_panels * pairs, Line([0; 64]));
    let none = Lanes([0; COLUMNS]);
    let scores = room(&mut packed.scores, PANELS * 2 * pairs, none);
    let weights = room(&mut packed.weights, PANELS * pairs, Line([0; 64]));
    let weighted = room(&mut packed.weighted, PANELS * width.next_multiple_of(LANES), none);

    pack_bytes(block(Part::Query), Quantizer::new(query_scale), 0, &mut queries[..n * groups * GROUP]);
    transpose(queries, groups, query_lines);
    pack_bytes(block(Part::Key), Quantizer::new(key_scale), 128, keys);
    pack_pairs(block(Part::Value), Quantizer::new(value_scale), n, value_lines);

    let zeros = [0; ROWS * COLUMNS];
    for first in (0..n).step_by(LANES) {
        let count = LANES.min(n - first);
        let panels = count.div_ceil(COLUMNS);
        let by_bytes = Operands {
            left: keys.as_ptr().cast(),
            stride: groups * GROUP,
            lines: query_lines[first / COLUMNS * groups..].as_ptr(),
            groups,
            next: query_lines.as_ptr(),
            row_starts: zeros.as_ptr(),
            column_starts: zeros.as_ptr(),
            out: scores.as_mut_ptr().cast(),
            out_stride: PANELS * COLUMNS,
        };
        // SAFETY: there are `n` keys, one or two panels of queries, and two panels of scores for
        // each key.
        unsafe { all_rows::<UNSIGNED_ROWS>(n, panels, by_bytes) };
        let sums = if panels == 1 {
            softmax::<1>(&scores[..PANELS * n], head_scale, weights)
        } else {
            softmax::<2>(&scores[..PANELS * n], head_scale, weights)
        };
        for (panel, lines) in value_lines.chunks_exact(pairs).enumerate() {
            let by_pairs = Operands {
                left: lines.as_ptr().cast(),
                stride: 0,
                lines: weights.as_ptr(),
                groups: pairs,
                next: weights.as_ptr(),
                row_starts: zeros.as_ptr(),
                column_starts: zeros.as_ptr(),
                out: weighted[PANELS * COLUMNS * panel..].as_mut_ptr().cast(),
                out_stride: PANELS * COLUMNS,
            };
            for half in [0, ROWS] {
                // SAFETY: `left` is the first or the ninth of 16 columns of values; there are
                // `panels` panels of weights, and two panels of sums for each column.
                unsafe {
                    let (left, out) =
                        (by_pairs.left.add(half * GROUP), by_pairs.out.add(half * PANELS * COLUMNS));
                    tile::<COLUMNS_OF_PAIRS>(ROWS, panels, Operands { left, out, ..by_pairs });
                }
            }
        }
        let mut scales = [[[0; COLUMNS]; PANELS]; 2];
        let [shifts, factors] = scales.each_mut().map(|of| of.as_flattened_mut());
        for ((shift, factor), &sum) in shifts.iter_mut().zip(factors).zip(sums.as_flattened()).take(count) {
            let scale = ContextScale::of(sum, value_scale);
            (*shift, *factor) = (scale.shift, scale.factor.into());
        }
        let rows = &mut context[first * hidden..][..count * hidden];
        contexts(weighted, &scales, rows, hidden, column, width);
    }
}

/// Multiplies any number of rows by 1 to 3 panels.
///
/// # Safety
/// As [`tile`], for all rows. All starts are zeros.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
unsafe fn all_rows<const MODE: u8>(rows: usize, panels: usize, operands: Operands) {
    for row in (0..rows).step_by(ROWS) {
        // SAFETY: the caller's promise.
        unsafe {
            let left = operands.left.add(row * operands.stride);
            let out = operands.out.add(row * operands.out_stride);
            tile::<MODE>(ROWS.min(rows - row), panels, Operands { left, out, ..operands });
        }
    }
}

/// Quantises a block to rows of bytes and adds `offset` to each byte. The rows are padded to whole
/// groups by bytes `offset`.
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

/// Copies rows of `groups` groups of bytes to lines: 16 rows become the columns of a panel.
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

/// Quantises a block of `n` rows to lines of pairs: a line has two rows and 16 columns. If `n` is
/// odd, the last row is zeros.
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

/// (21) to (23) of `P` panels of queries. `scores` has two registers for each key; `P` of them are
/// read. `weights` gets lines of pairs of keys, panel after panel. If the number of keys is odd,
/// the last weight is
/// 0. Returns the sums of the queries.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn softmax<const P: usize>(
    scores: &[Lanes],
    head: HeadScale,
    weights: &mut [Line],
) -> [[u32; COLUMNS]; PANELS] {
    let (keys, _) = scores.as_chunks::<PANELS>();
    // SAFETY: an array of 64 aligned bytes.
    let panels =
        |key: &[Lanes; PANELS]| [0, P - 1].map(|i| unsafe { _mm512_load_si512(key[i].0.as_ptr().cast()) });
    let mut best = [_mm512_set1_epi32(i32::MIN); PANELS];
    for key in keys {
        let a = panels(key);
        best = [_mm512_max_epi32(best[0], a[0]), _mm512_max_epi32(best[1], a[1])];
    }
    let down = _mm_cvtsi32_si128(head.shift.max(0));
    let up = _mm_cvtsi32_si128((-head.shift).max(0));
    let half = _mm512_set1_epi32(plain::rounding::half(head.shift));
    let best = best.map(|best| _mm512_add_epi32(best, half));
    let factor = _mm512_set1_epi16(head.factor);
    let one = _mm512_set1_epi16(1);
    // Four queries of the one panel and four of the other take turns here; `unpack` restores their
    // order.
    let weights_of = |key: &[Lanes; PANELS]| {
        let a = panels(key);
        let distance =
            |i: usize| _mm512_sll_epi32(_mm512_sra_epi32(_mm512_sub_epi32(best[i], a[i]), down), up);
        let u = _mm512_mulhrs_epi16(_mm512_packs_epi32(distance(0), distance(1)), factor);
        let f = _mm512_slli_epi16::<5>(_mm512_and_si512(u, _mm512_set1_epi16(1023)));
        let inner =
            _mm512_sub_epi16(_mm512_set1_epi16(22026), _mm512_mulhrs_epi16(f, _mm512_set1_epi16(5680)));
        let e = _mm512_sub_epi16(_mm512_set1_epi16(32766), _mm512_mulhrs_epi16(f, inner));
        // (2) by a power of two, in two shifts. 15 octaves or more give 0.
        let p = _mm512_add_epi16(_mm512_srlv_epi16(e, _mm512_srli_epi16::<10>(u)), one);
        _mm512_srli_epi16::<1>(p)
    };
    let mut sums = [_mm512_setzero_si512(); PANELS];
    let pairs = keys.len().div_ceil(2);
    let (first, second) = weights.split_at_mut(pairs);
    for ((keys, first), second) in keys.chunks(2).zip(first).zip(second) {
        let p = weights_of(&keys[0]);
        let next = keys.get(1).map_or_else(|| _mm512_setzero_si512(), weights_of);
        let lines = [_mm512_unpacklo_epi16(p, next), _mm512_unpackhi_epi16(p, next)];
        for (sum, line) in sums.iter_mut().zip(lines) {
            *sum = _mm512_dpwssd_epi32(*sum, line, one);
        }
        // SAFETY: lines are 64 aligned bytes.
        unsafe {
            _mm512_store_si512(first.0.as_mut_ptr().cast(), lines[0]);
            if P > 1 {
                _mm512_store_si512(second.0.as_mut_ptr().cast(), lines[1]);
            }
        }
    }
    let mut out = [[0; COLUMNS]; PANELS];
    for (out, sum) in out.iter_mut().zip(sums) {
        // SAFETY: an array of 64 bytes.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), sum) };
    }
    out
}

/// (25) to (27) of up to 32 queries, whose shifts and factors are `scales`. `weighted` has two
/// registers for each column. The results are written to `width` columns of `rows`, from column
/// `first` on; each row is `stride` numbers long.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")]
fn contexts(
    weighted: &[Lanes],
    scales: &[[[i32; COLUMNS]; PANELS]; 2],
    rows: &mut [i16],
    stride: usize,
    first: usize,
    width: usize,
) {
    let [shift, factor] = scales.each_ref().map(|of| {
        // SAFETY: arrays of 64 bytes.
        of.each_ref().map(|of| unsafe { _mm512_loadu_si512(of.as_ptr().cast()) })
    });
    let one = _mm512_set1_epi32(1);
    // The shift of a query is at least 6. Lanes without a query have any value.
    let half = shift.map(|shift| _mm512_sllv_epi32(one, _mm512_sub_epi32(shift, one)));
    let factor = _mm512_packs_epi32(factor[0], factor[1]);
    let (columns, _) = weighted.as_chunks::<PANELS>();
    let column = |sums: &[Lanes; PANELS]| {
        let rounded = |i: usize| {
            // SAFETY: an array of 64 aligned bytes.
            let sum = unsafe { _mm512_load_si512(sums[i].0.as_ptr().cast()) };
            _mm512_srav_epi32(_mm512_add_epi32(sum, half[i]), shift[i])
        };
        _mm512_mulhrs_epi16(_mm512_packs_epi32(rounded(0), rounded(1)), factor)
    };
    let (blocks, _) = columns.as_chunks::<LANES>();
    for (block, columns) in blocks.iter().enumerate() {
        let (pairs, _) = columns.as_chunks::<2>();
        let mut halves = [[_mm512_setzero_si512(); COLUMNS]; PANELS];
        for (i, [a, b]) in pairs.iter().enumerate() {
            let (a, b) = (column(a), column(b));
            halves[0][i] = _mm512_unpacklo_epi16(a, b);
            halves[1][i] = _mm512_unpackhi_epi16(a, b);
        }
        let at = block * LANES;
        let columns = first + at..first + width.min(at + LANES);
        for (half, rows) in halves.iter_mut().zip(rows.chunks_mut(COLUMNS * stride)) {
            transpose16(half);
            for (row, x) in rows.chunks_exact_mut(stride).zip(half) {
                store16(&mut row[columns.clone()], *x);
            }
        }
    }
}

/// Transposes 16 rows of 16 numbers of 32 bits.
#[target_feature(enable = "avx512f")]
#[inline]
fn transpose16(rows: &mut [__m512i; COLUMNS]) {
    for i in 0..4 {
        let [a, b, c, d] = [0, 1, 2, 3].map(|j| rows[4 * i + j]);
        let (low, next_low) = (_mm512_unpacklo_epi32(a, b), _mm512_unpacklo_epi32(c, d));
        let (high, next_high) = (_mm512_unpackhi_epi32(a, b), _mm512_unpackhi_epi32(c, d));
        rows[4 * i] = _mm512_unpacklo_epi64(low, next_low);
        rows[4 * i + 1] = _mm512_unpackhi_epi64(low, next_low);
        rows[4 * i + 2] = _mm512_unpacklo_epi64(high, next_high);
        rows[4 * i + 3] = _mm512_unpackhi_epi64(high, next_high);
    }
    // Quarter `q` of row `4 i + j` now holds column `4 q + j` of the rows `4 i` to `4 i + 3`.
    for j in 0..4 {
        let [a, b, c, d] = [0, 4, 8, 12].map(|i| rows[i + j]);
        let (even, next_even) = (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0x88>(c, d));
        let (odd, next_odd) = (_mm512_shuffle_i32x4::<0xdd>(a, b), _mm512_shuffle_i32x4::<0xdd>(c, d));
        rows[j] = _mm512_shuffle_i32x4::<0x88>(even, next_even);
        rows[4 + j] = _mm512_shuffle_i32x4::<0x88>(odd, next_odd);
        rows[8 + j] = _mm512_shuffle_i32x4::<0xdd>(even, next_even);
        rows[12 + j] = _mm512_shuffle_i32x4::<0xdd>(odd, next_odd);
    }
}
