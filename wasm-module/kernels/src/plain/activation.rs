//! The activation: section 7 of `SPEC.md`.

use lockstep_arith::activation::Activation;
use lockstep_arith::fixed::mul_q15;

/// (28) to (30) of rows, in place: [`crate::Isa::activate`].
#[inline(always)]
pub(crate) fn activate(v: &mut [i16], activation: &Activation) {
    for v in v.chunks_exact_mut(activation.equaliser.len()) {
        activate_row(v, &activation.equaliser, activation);
    }
}

/// (28) to (30) of a row or of its last numbers, in place.
#[inline(always)]
pub(crate) fn activate_row(v: &mut [i16], equaliser: &[i16], activation: &Activation) {
    for (v, &e) in v.iter_mut().zip(equaliser) {
        *v = mul_q15(activation.activate(*v), e);
    }
}
