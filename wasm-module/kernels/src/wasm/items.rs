//! Products of compact vectors, eight numbers in one instruction.

use core::arch::wasm32::*;

use super::vectors::{LANES, load16, widen8};
use crate::plain::item::{FITTING, check, dot, fitting_dot};

/// (41): [`crate::Isa::dots`].
pub(crate) fn dots(query: &[i16], rows: &[i16], out: &mut [i64]) {
    check(query.len(), query.len(), rows.len(), out.len());
    let (queries, query_rest) = query.as_chunks::<LANES>();
    for (row, out) in rows.chunks_exact(query.len()).zip(out) {
        let (row, row_rest) = row.as_chunks::<LANES>();
        let mut sum = i64x2_splat(0);
        for (q, c) in queries.iter().zip(row) {
            // The sum of two products fits: 2 * 32767^2 < 2^31.
            let pairs = i32x4_dot_i16x8(load16(q), load16(c));
            sum = i64x2_add(sum, i64x2_extend_low_i32x4(pairs));
            sum = i64x2_add(sum, i64x2_extend_high_i32x4(pairs));
        }
        let sum = i64x2_extract_lane::<0>(sum) + i64x2_extract_lane::<1>(sum);
        *out = sum + dot(query_rest, row_rest);
    }
}

/// (44): [`crate::Isa::high_dots`].
pub(crate) fn high_dots(queries: &[i16], width: usize, rows: &[i8], out: &mut [i64]) {
    check(queries.len(), width, rows.len(), out.len());
    let count = rows.len() / width;
    for (query, out) in queries.chunks_exact(width).zip(out.chunks_exact_mut(count.max(1))) {
        for (row, out) in rows.chunks_exact(width).zip(out) {
            let parts = query.chunks(FITTING).zip(row.chunks(FITTING));
            *out = parts.map(|(query, row)| i64::from(part(query, row))).sum();
        }
    }
}

/// (44) of at most [`FITTING`] numbers.
#[inline]
fn part(query: &[i16], row: &[i8]) -> i32 {
    let (queries, query_rest) = query.as_chunks::<LANES>();
    let (rows, row_rest) = row.as_chunks::<LANES>();
    let mut sum = i32x4_splat(0);
    for (q, high) in queries.iter().zip(rows) {
        sum = i32x4_add(sum, i32x4_dot_i16x8(load16(q), widen8(high)));
    }
    let even = i32x4_extract_lane::<0>(sum) + i32x4_extract_lane::<2>(sum);
    even + i32x4_extract_lane::<1>(sum) + i32x4_extract_lane::<3>(sum) + fitting_dot(query_rest, row_rest)
}
