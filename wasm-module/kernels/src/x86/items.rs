//! Products of compact vectors with AVX2: 16 numbers in one instruction, `vpmaddwd`.
#![allow(unsafe_code, reason = "loads")]

use core::arch::x86_64::*;

use crate::plain::item::{FITTING, check, dot, fitting_dot};

/// 16-bit numbers of a register.
const LANES: usize = 16;
/// Queries that share the loads of a row.
const QUERIES: usize = 4;
/// Rows that share the loads of a single query.
const ROWS: usize = 4;

/// (41): [`crate::Isa::dots`].
#[target_feature(enable = "avx2")]
pub(crate) fn dots(query: &[i16], rows: &[i16], out: &mut [i64]) {
    check(query.len(), query.len(), rows.len(), out.len());
    let (queries, query_rest) = query.as_chunks::<LANES>();
    for (row, out) in rows.chunks_exact(query.len()).zip(out) {
        let (row, row_rest) = row.as_chunks::<LANES>();
        let mut sums = [_mm256_setzero_si256(); 2];
        for (q, c) in queries.iter().zip(row) {
            // The sum of two products fits: 2 * 32767^2 < 2^31.
            let pairs = _mm256_madd_epi16(load(q), load(c));
            let halves = [_mm256_castsi256_si128(pairs), _mm256_extracti128_si256::<1>(pairs)];
            for (sum, half) in sums.iter_mut().zip(halves) {
                *sum = _mm256_add_epi64(*sum, _mm256_cvtepi32_epi64(half));
            }
        }
        let mut parts = [0_i64; 4];
        // SAFETY: an array of 32 bytes.
        unsafe { _mm256_storeu_si256(parts.as_mut_ptr().cast(), _mm256_add_epi64(sums[0], sums[1])) };
        *out = parts.iter().sum::<i64>() + dot(query_rest, row_rest);
    }
}

/// (44): [`crate::Isa::high_dots`].
#[target_feature(enable = "avx2")]
pub(crate) fn high_dots(queries: &[i16], width: usize, rows: &[i8], out: &mut [i64]) {
    check(queries.len(), width, rows.len(), out.len());
    let count = rows.len() / width;
    for (group, out) in queries.chunks(QUERIES * width).zip(out.chunks_mut((QUERIES * count).max(1))) {
        match group.len() / width {
            1 => {
                let (tiles, rest) = out.split_at_mut(count / ROWS * ROWS);
                let (first, last) = rows.split_at(tiles.len() * width);
                for (rows, out) in first.chunks_exact(ROWS * width).zip(tiles.chunks_exact_mut(ROWS)) {
                    tile::<ROWS, 1>(group, width, rows)
                        .into_iter()
                        .zip(out)
                        .for_each(|([sum], out)| *out = sum);
                }
                for (row, out) in last.chunks_exact(width).zip(rest) {
                    [[*out]] = tile(group, width, row);
                }
            }
            2 => each_row::<2>(group, width, rows, out),
            3 => each_row::<3>(group, width, rows, out),
            _ => each_row::<QUERIES>(group, width, rows, out),
        }
    }
}

/// Multiplies `Q` queries by all rows.
#[target_feature(enable = "avx2")]
fn each_row<const Q: usize>(queries: &[i16], width: usize, rows: &[i8], out: &mut [i64]) {
    let count = rows.len() / width;
    for (at, row) in rows.chunks_exact(width).enumerate() {
        let [sums] = tile::<1, Q>(queries, width, row);
        for (q, sum) in sums.into_iter().enumerate() {
            out[q * count + at] = sum;
        }
    }
}

/// Multiplies `Q` queries by `R` rows.
#[target_feature(enable = "avx2")]
#[inline]
fn tile<const R: usize, const Q: usize>(queries: &[i16], width: usize, rows: &[i8]) -> [[i64; Q]; R] {
    assert!(queries.len() == Q * width && rows.len() == R * width, "the operands of a tile");
    let mut sums = [[0; Q]; R];
    for start in (0..width).step_by(FITTING) {
        let end = width.min(start + FITTING);
        let whole = start + (end - start) / LANES * LANES;
        let mut acc = [[_mm256_setzero_si256(); Q]; R];
        for at in (start..whole).step_by(LANES) {
            // SAFETY: `at + 16 <= width`, inside each of the `Q` queries and of the `R` rows.
            let query = |q: usize| unsafe { _mm256_loadu_si256(queries.as_ptr().add(q * width + at).cast()) };
            // SAFETY: as above.
            let high = |r: usize| unsafe { _mm_loadu_si128(rows.as_ptr().add(r * width + at).cast()) };
            for (r, acc) in acc.iter_mut().enumerate() {
                let high = _mm256_cvtepi8_epi16(high(r));
                for (q, acc) in acc.iter_mut().enumerate() {
                    *acc = _mm256_add_epi32(*acc, _mm256_madd_epi16(query(q), high));
                }
            }
        }
        for (r, (sums, acc)) in sums.iter_mut().zip(acc).enumerate() {
            let rest = &rows[r * width + whole..r * width + end];
            for (q, (sum, acc)) in sums.iter_mut().zip(acc).enumerate() {
                *sum +=
                    i64::from(total(acc) + fitting_dot(&queries[q * width + whole..q * width + end], rest));
            }
        }
    }
    sums
}

/// Loads 16 numbers.
#[target_feature(enable = "avx2")]
#[inline]
fn load(x: &[i16; LANES]) -> __m256i {
    // SAFETY: an array of 32 bytes.
    unsafe { _mm256_loadu_si256(x.as_ptr().cast()) }
}

/// The sum of eight numbers of 32 bits.
#[target_feature(enable = "avx2")]
#[inline]
fn total(x: __m256i) -> i32 {
    let x = _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256::<1>(x));
    let x = _mm_add_epi32(x, _mm_shuffle_epi32::<0b01_00_11_10>(x));
    _mm_cvtsi128_si32(_mm_add_epi32(x, _mm_shuffle_epi32::<0b10_11_00_01>(x)))
}
