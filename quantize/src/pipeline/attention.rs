//! Step 3, equations (5) to (11) and (19) to (27): the projection to queries, keys and values, and
//! the scale of the attention scores.

use lockstep_arith::attention::ScoreScale;
use lockstep_arith::linear::Linear;
use lockstep_arith::rows::Sign;

use super::context::LayerContext;
use super::equalise::{equaliser, reciprocals, scaled_columns};
use super::fit::{FitError, draft, unit_of_peak};
use super::observe::observe;
use crate::matrix::Matrix;
use crate::report::Report;

/// The input of the attention's output layer.
pub(super) struct OutputInput {
    /// The equalised context on the calibration text.
    pub(super) rows: Matrix,
    /// One unit of the integer context.
    pub(super) unit: f64,
    /// The equalised weights of the output layer.
    pub(super) weight: Matrix,
    /// The biases of the output layer, with the mean of the values moved into them.
    pub(super) bias: Vec<f64>,
}

/// The linear layer of queries, keys and values, with the scale of the scores. It centres keys and
/// values, and balances the ranges of the three. Also gives the input of the attention's output
/// layer.
pub(super) fn projection(
    context: &LayerContext<'_>,
    report: &mut Report,
) -> Result<(Linear, ScoreScale, OutputInput), FitError> {
    let (w, t) = (context.weights, context.trace);
    let d = context.config.hidden;
    let width = d / context.config.heads;
    let mean = t.projected.column_means();
    let mut shift = vec![0.0; d];
    shift.extend_from_slice(&mean[d..]);
    let centred = t.projected.clone().plus_row(&shift.iter().map(|m| -m).collect::<Vec<f32>>());
    let peaks: Vec<f32> = centred.column_peaks().into_iter().map(|p| p.max(1e-5)).collect();
    let (q, rest) = peaks.split_at(d);
    let (k, v) = rest.split_at(d);
    // A factor on a channel of the query cancels its inverse on the same channel of the key.
    let balance: Vec<f32> = q.iter().zip(k).map(|(q, k)| (k / q).sqrt()).collect();
    // A channel of the values is equalised against the attention's output layer, then scaled to
    // the range of the queries.
    let context_peaks = {
        let value_mean: Vec<f32> = mean[2 * d..].iter().map(|m| -m).collect();
        t.context.clone().plus_row(&value_mean).column_peaks()
    };
    let e = equaliser(&context_peaks, &w.output.weight.column_peaks());
    let peak_of = |v: &[f32], f: &[f32]| v.iter().zip(f).fold(0.0_f32, |m, (v, f)| m.max(v * f));
    let inverse = reciprocals(&balance);
    let target = peak_of(q, &balance).max(peak_of(k, &inverse));
    let fill = target / peak_of(v, &reciprocals(&e)).max(1e-9);
    let e: Vec<f32> = e.iter().map(|e| e / fill).collect();
    let factors = [balance, inverse, reciprocals(&e)].concat();

    let mut weight = scaled_columns(&w.projection.weight, context.equaliser);
    weight.scale_rows(&factors);
    let bias = w.projection.bias.iter().zip(&shift).zip(&factors);
    let bias: Vec<f64> = bias.map(|((b, m), f)| f64::from(b - m) * f64::from(*f)).collect();
    let rows = scaled_columns(context.x, &reciprocals(context.equaliser));
    let draft = draft(&weight, &bias, &observe(&rows, context.input.equalised, Sign::Signed));
    report.linear(context.index, "projection", draft.relative_error());
    let unit = unit_of_peak(target).max(draft.finest_unit());
    let linear = draft
        .finish(unit)
        .ok_or_else(|| context.fail("projection", format!("a bias does not fit the unit {unit:e}")))?;
    let score = score_scale(context, unit, width)?;

    let value_mean = &mean[2 * d..];
    let moved = w.output.weight.times_vector(value_mean);
    let bias = w.output.bias.iter().zip(&moved).map(|(b, m)| f64::from(*b) + f64::from(*m)).collect();
    let negative: Vec<f32> = value_mean.iter().map(|m| -m).collect();
    let mut rows = t.context.clone().plus_row(&negative);
    rows.scale_columns(&reciprocals(&e));
    let input =
        OutputInput { rows, unit: unit * 256.0 / 127.0, weight: scaled_columns(&w.output.weight, &e), bias };
    Ok((linear, score, input))
}

/// `score_multiplier` and `score_shift` of (20): the octaves, in units of 2^-10, of one unit of the
/// product of an 8-bit query and an 8-bit key with `m_q = m_k = 1`.
fn score_scale(context: &LayerContext<'_>, unit: f64, width: usize) -> Result<ScoreScale, FitError> {
    let octaves = unit * unit * std::f64::consts::LOG2_E * 1024.0 / (127.0 * 127.0 * (width as f64).sqrt());
    let shift = 14 - octaves.log2().floor() as i32;
    let multiplier = (octaves * f64::powi(2.0, shift)).round();
    let (multiplier, shift) = if multiplier > 32767.0 { (16384.0, shift - 1) } else { (multiplier, shift) };
    if shift < 37 {
        let peak = unit * 16384.0;
        return Err(
            context.fail("attention", format!("queries and keys reach {peak}: their products do not fit"))
        );
    }
    // From 74 on every difference of scores rounds to 0, so a greater shift changes nothing.
    Ok(ScoreScale { multiplier: multiplier as i16, shift: shift.min(74) })
}
