//! The embedding and the pooling: section 8 of `SPEC.md`.

use lockstep_arith::layer_norm::clamp_sum;

/// (33): [`crate::Isa::accumulate`].
#[inline(always)]
pub(crate) fn accumulate(row: &[i16], sums: &mut [i32]) {
    for (sum, &x) in sums.iter_mut().zip(row) {
        *sum += i32::from(x);
    }
}

/// (32) of one token: [`crate::Isa::embed`].
#[inline(always)]
pub(crate) fn embed(word: &[i8], scale: i16, position: &[i16], kind: &[i16], shift: i32, sums: &mut [i32]) {
    let tables = position.iter().zip(kind);
    for ((sum, &w), (&p, &t)) in sums.iter_mut().zip(word).zip(tables) {
        *sum = clamp_sum(i32::from(w) * i32::from(scale) + ((i32::from(p) + i32::from(t)) << shift));
    }
}
