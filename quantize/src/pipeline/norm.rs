//! Step 2, equations (12) to (18): gains and offsets of a LayerNorm, once for the residual stream
//! and once equalised for the linear layer that follows.

use lockstep_arith::layer_norm::LayerNorm;

use super::equalise::widen;
use super::fit::affine;
use crate::checkpoint::Norm;
use crate::matrix::Matrix;

/// The values of one unit of a LayerNorm's two outputs.
#[derive(Clone, Copy)]
pub(super) struct StreamUnits {
    /// One unit of the residual stream.
    pub(super) unit: f64,
    /// One unit of the equalised output.
    pub(super) equalised: f64,
}

/// The integers of a LayerNorm whose float output is `x`. `damping` is the effect of its epsilon.
pub(super) fn norm(
    weights: &Norm,
    x: &Matrix,
    damping: f64,
    equaliser: Option<&[f32]>,
    residual_shift: i32,
) -> (LayerNorm, StreamUnits) {
    let (mut gains, offsets) = (widen(&weights.gamma), widen(&weights.beta));
    gains.iter_mut().for_each(|gain| *gain *= damping);
    let (stream, unit) = affine(&gains, &offsets, x.peak());
    let (equalised, equalised_unit) = match equaliser {
        Some(e) => {
            let divided =
                |v: &[f64]| -> Vec<f64> { v.iter().zip(e).map(|(v, &e)| v / f64::from(e)).collect() };
            let peak = x.column_peaks().iter().zip(e).fold(0.0_f32, |m, (x, e)| m.max(x / e));
            let (a, u) = affine(&divided(&gains), &divided(&offsets), peak);
            (Some(a), u)
        }
        None => (None, 0.0),
    };
    (LayerNorm { stream, equalised, residual_shift }, StreamUnits { unit, equalised: equalised_unit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damping_makes_the_values_smaller() {
        let weights = Norm { gamma: vec![1.0, -0.5], beta: vec![0.25, 0.0] };
        let x = Matrix { rows: 1, columns: 2, data: vec![1.25, 0.5] };
        let value = |damping: f64| {
            let (norm, units) = norm(&weights, &x, damping, None, 0);
            f64::from(norm.stream.gain[0]) * units.unit
        };
        assert!((value(0.5) / value(1.0) - 0.5).abs() < 1e-3, "{} {}", value(0.5), value(1.0));
    }
}
