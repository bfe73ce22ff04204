//! Step 4, equations (10) to (12): a linear layer whose outputs are added to the residual stream.

use lockstep_arith::layer_norm::SUM_LIMIT;
use lockstep_arith::linear::Linear;

use super::context::LayerContext;
use super::fit::{Draft, FitError};
use crate::matrix::Matrix;

/// Chooses the greatest `residual_shift` that fits. `sums` are the float sums on the calibration
/// text, and `unit` is one unit of the residual stream. Gives the linear layer and the shift.
pub(super) fn residual(
    context: &LayerContext<'_>,
    part: &str,
    d: &Draft,
    unit: f64,
    sums: &Matrix,
) -> Result<(Linear, i32), FitError> {
    let peak = f64::from(sums.peak());
    let fits = |shift: &i32| peak / unit * f64::powi(2.0, *shift) * 4.0 <= f64::from(SUM_LIMIT);
    let finish = |shift: i32| d.finish(unit / f64::powi(2.0, shift)).map(|linear| (linear, shift));
    (0..=4).rev().filter(|s| *s == 0 || fits(s)).find_map(finish).ok_or_else(|| {
        context.fail(
            part,
            format!("outputs of unit {unit:e} do not fit: the layer's gain or a bias is too great"),
        )
    })
}
