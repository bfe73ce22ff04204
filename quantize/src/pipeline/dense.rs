//! Step 7, equations (35) and (36): the dense layers behind the pooling.

use std::ops::Range;

use lockstep_arith::encoder::{Dense, Pooling};
use lockstep_arith::rows::Sign;

use super::equalise::{equaliser_of, reciprocals, scaled_columns, widen};
use super::fit::{FitError, draft, unit_of_peak};
use super::observe::observe;
use super::tanh::{TANH_UNIT, before_tanh};
use crate::checkpoint::{DenseModule, LayerWeights};
use crate::matrix::Matrix;
use crate::report::Report;
use crate::teacher::{self, LayerTrace};

/// What follows the layers of a model that gives vectors.
#[derive(Clone, Copy)]
pub struct Ending<'a> {
    /// How the vectors of the tokens become one.
    pub pooling: Pooling,
    /// The dense layers behind the pooling, first to last.
    pub dense: &'a [DenseModule],
}

/// Equalises the input of the first dense layer. Only the pooling reads the stream of the last
/// layer, and it adds channels of equal kind, so the equaliser goes into the gains of the last
/// LayerNorm. Returns what the weights of the dense layer are to be multiplied by.
pub(super) fn equalise(
    ending: Ending<'_>,
    ranges: &[Range<usize>],
    last: &mut LayerWeights,
    trace: &mut LayerTrace,
) -> Vec<f32> {
    let Some(first) = ending.dense.first() else { return Vec::new() };
    let pooled = teacher::pool(&trace.out, ranges, ending.pooling);
    let equaliser = equaliser_of(&pooled, &first.linear.weight);
    let inverse = reciprocals(&equaliser);
    trace.out.scale_columns(&inverse);
    for values in [&mut last.output_norm.gamma, &mut last.output_norm.beta] {
        values.iter_mut().zip(&inverse).for_each(|(value, factor)| *value *= factor);
    }
    equaliser
}

/// The dense layers, with their float outputs and the value of one unit of the last ones. `pooled`
/// are the float vectors that enter the first layer, divided by `equaliser`; `unit` is one unit of
/// them.
pub(super) fn dense(
    modules: &[DenseModule],
    pooled: Matrix,
    equaliser: &[f32],
    mut unit: f64,
    report: &mut Report,
) -> Result<(Vec<Dense>, Matrix, f64), FitError> {
    let mut rows = pooled;
    let mut layers = Vec::with_capacity(modules.len());
    for (i, module) in modules.iter().enumerate() {
        let mut module = module.clone();
        if i == 0 {
            module.linear.weight = scaled_columns(&module.linear.weight, equaliser);
        }
        let name = format!("dense {i}");
        let (weight, bias) = (&module.linear.weight, widen(&module.linear.bias));
        let draft = draft(weight, &bias, &observe(&rows, unit, Sign::Signed));
        report.linear_named(&name, draft.relative_error());
        rows = teacher::dense_module(&rows, &module);
        if module.tanh {
            let (linear, tanh) = before_tanh(&draft, &name)?;
            layers.push(Dense { linear, tanh: Some(tanh) });
            unit = TANH_UNIT;
        } else {
            unit = unit_of_peak(rows.peak()).max(draft.finest_unit()).max(draft.finest_bias_unit());
            let linear = draft.finish(unit);
            let reason = "its outputs do not fit 16 bits".to_owned();
            let linear = linear.ok_or(FitError { part: name, reason })?;
            layers.push(Dense { linear, tanh: None });
        }
    }
    Ok((layers, rows, unit))
}
