//! Section 11 of `SPEC.md`: compact vectors, and their products.

/// Products of a 16-bit number and a byte whose sum always fits 32 bits: `512 * 128 * 32767 <
/// 2^31`.
pub(crate) const FITTING: usize = 512;

/// (40): [`crate::Isa::compact`].
///
/// The quotient is computed in `f64`, which has instructions for several at a time. Its operands
/// are integers below 2^49 and exact. The divisor is at most 2^32, so a quotient that is no integer
/// is at least 2^-32 below the next one. Quotients are below 2^16, where rounding moves them by at
/// most 2^-38. So none is rounded up to an integer, and the truncated quotient is that of the
/// integers.
#[inline(always)]
pub(crate) fn compact(pooled: &[i32], out: &mut [i16]) {
    assert_eq!(pooled.len(), out.len(), "as many numbers out as in");
    let (lo, hi) = pooled.iter().fold((0, 0), |(lo, hi): (i32, i32), &p| (lo.min(p), hi.max(p)));
    let largest = f64::from(lo.unsigned_abs().max(hi.unsigned_abs()));
    if largest == 0.0 {
        return out.fill(0);
    }
    let (offset, divisor) = (65537.0 * largest, 2.0 * largest);
    for (c, &p) in out.iter_mut().zip(pooled) {
        *c = (((65534.0 * f64::from(p) + offset) / divisor) as i32 - 32768) as i16;
    }
}

/// (41): [`crate::Isa::dots`].
#[inline(always)]
pub(crate) fn dots(query: &[i16], rows: &[i16], out: &mut [i64]) {
    check(query.len(), query.len(), rows.len(), out.len());
    for (row, out) in rows.chunks_exact(query.len()).zip(out) {
        *out = dot(query, row);
    }
}

/// (41) of two vectors. Two products fit 32 bits.
#[inline(always)]
pub(crate) fn dot(a: &[i16], b: &[i16]) -> i64 {
    let product = |a: i16, b: i16| i32::from(a) * i32::from(b);
    let (pairs_a, rest_a) = a.as_chunks::<2>();
    let (pairs_b, rest_b) = b.as_chunks::<2>();
    let pairs =
        pairs_a.iter().zip(pairs_b).map(|(a, b)| product(a[0], b[0]).wrapping_add(product(a[1], b[1])));
    let rest = rest_a.iter().zip(rest_b).map(|(&a, &b)| product(a, b));
    pairs.chain(rest).map(i64::from).sum()
}

/// (44): [`crate::Isa::high_dots`].
#[inline(always)]
pub(crate) fn high_dots(queries: &[i16], width: usize, rows: &[i8], out: &mut [i64]) {
    check(queries.len(), width, rows.len(), out.len());
    let count = rows.len() / width;
    for (query, out) in queries.chunks_exact(width).zip(out.chunks_exact_mut(count.max(1))) {
        for (row, out) in rows.chunks_exact(width).zip(out) {
            *out = high_dot(query, row);
        }
    }
}

/// (44) of a vector and the high parts of another.
#[inline(always)]
pub(crate) fn high_dot(query: &[i16], row: &[i8]) -> i64 {
    let parts = query.chunks(FITTING).zip(row.chunks(FITTING));
    parts.map(|(query, row)| i64::from(fitting_dot(query, row))).sum()
}

/// (44) of at most [`FITTING`] numbers.
#[inline(always)]
pub(crate) fn fitting_dot(query: &[i16], row: &[i8]) -> i32 {
    query.iter().zip(row).fold(0, |sum: i32, (&q, &h)| sum.wrapping_add(i32::from(q) * i32::from(h)))
}

/// Panics unless the operands are whole vectors of `width` numbers with a product for each pair.
#[inline(always)]
pub(crate) fn check(queries: usize, width: usize, rows: usize, out: usize) {
    assert!(width > 0 && queries.is_multiple_of(width) && rows.is_multiple_of(width), "whole vectors");
    assert_eq!(out, queries / width * (rows / width), "a product for each pair");
}
