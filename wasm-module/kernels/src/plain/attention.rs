//! The steps between the products of the attention: section 6 of `SPEC.md`.

use lockstep_arith::attention::{ContextScale, HeadScale, exp2};

/// (21) to (23) of rows of scores: [`crate::Isa::softmax`].
#[inline(always)]
pub(crate) fn softmax(
    scores: &[i32],
    n: usize,
    head: HeadScale,
    p: &mut [i16],
    stride: usize,
    sums: &mut [u32],
) {
    for ((scores, p), sum) in scores.chunks_exact(n).zip(p.chunks_exact_mut(stride)).zip(sums) {
        *sum = softmax_row(scores, maximum(scores), head, p);
    }
}

/// (21) to (23) of a row or of its last numbers; `best` is the greatest score of the row. Returns
/// the sum.
#[inline(always)]
pub(crate) fn softmax_row(scores: &[i32], best: i32, head: HeadScale, p: &mut [i16]) -> u32 {
    let mut total = 0;
    for (p, &a) in p.iter_mut().zip(scores) {
        *p = exp2(head.octaves(best - a));
        total += *p as u32;
    }
    total
}

/// The greatest score of a row.
#[inline(always)]
pub(crate) fn maximum(scores: &[i32]) -> i32 {
    scores.iter().fold(i32::MIN, |best, &a| best.max(a))
}

/// (25) to (27) of one row of weighted sums: [`crate::Isa::context`].
#[inline(always)]
pub(crate) fn context(weighted: &[i32], scale: ContextScale, out: &mut [i16]) {
    for (out, &a) in out.iter_mut().zip(weighted) {
        *out = scale.apply(a);
    }
}
