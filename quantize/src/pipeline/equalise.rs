//! Balances the ranges of a linear layer's inputs and weights, channel by channel, so that both
//! lose little when they become 8-bit integers (SmoothQuant, Xiao et al. 2022, arXiv:2211.10438).

use crate::matrix::Matrix;

/// The share of the range that moves from the inputs to the weights.
const ALPHA: f32 = 0.5;

/// The equaliser of each input channel, `max|x|^alpha / max|w|^(1 - alpha)`. The channel of `x` is
/// divided by it, and the weights of the channel are multiplied by it.
pub(super) fn equaliser_of(x: &Matrix, weight: &Matrix) -> Vec<f32> {
    equaliser(&x.column_peaks(), &weight.column_peaks())
}

/// [`equaliser_of`], from the peaks of the channels.
pub(super) fn equaliser(inputs: &[f32], weights: &[f32]) -> Vec<f32> {
    let one = |(x, w): (&f32, &f32)| x.max(1e-5).powf(ALPHA) / w.max(1e-5).powf(1.0 - ALPHA);
    inputs.iter().zip(weights).map(one).collect()
}

/// `1 / x` of each number.
pub(super) fn reciprocals(v: &[f32]) -> Vec<f32> {
    v.iter().map(|x| 1.0 / x).collect()
}

/// A copy of a matrix, with each column multiplied by a factor.
pub(super) fn scaled_columns(m: &Matrix, factors: &[f32]) -> Matrix {
    let mut m = m.clone();
    m.scale_columns(factors);
    m
}

/// The same numbers as f64.
pub(super) fn widen(v: &[f32]) -> Vec<f64> {
    v.iter().map(|&x| x.into()).collect()
}
