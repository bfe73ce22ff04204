//! Step 5, equations (28) to (30): the activation, and the linear layers before and after it.

use lockstep_arith::activation::{Activation, least_offset};
use lockstep_arith::linear::Linear;
use lockstep_arith::rows::Sign;

use super::context::LayerContext;
use super::equalise::{equaliser_of, reciprocals, scaled_columns};
use super::fit::{Draft, FitError, draft};
use super::observe::observe;
use super::residual::residual;
use super::tables::bump;
use crate::report::Report;

/// The linear layer before the activation, with the most fraction bits that fit. Gives both.
pub(super) fn activation_input(context: &LayerContext<'_>, d: &Draft) -> Result<(Linear, i32), FitError> {
    let peak = f64::from(context.trace.expanded.peak());
    let fits = |bits: &i32| *bits == 1 || peak * f64::powi(2.0, *bits) <= 16384.0;
    let finish = |bits: i32| d.finish(f64::powi(2.0, -bits)).map(|linear| (linear, bits));
    (1..=12).rev().filter(fits).find_map(finish).ok_or_else(|| {
        context
            .fail("feed-forward 1", format!("outputs up to {peak} do not fit 16 bits with one fraction bit"))
    })
}

/// The activation and the second feed-forward layer, with its `residual_shift`.
pub(super) fn contract(
    context: &LayerContext<'_>,
    bits: i32,
    stream_unit: f64,
    report: &mut Report,
) -> Result<(Activation, Linear, i32), FitError> {
    let (w, t) = (context.weights, context.trace);
    let table = bump(context.config.activation, bits);
    let offset = least_offset(&table);
    let unit = f64::powi(2.0, -bits);
    let raise = f64::from(offset) * unit;

    let e = equaliser_of(&t.activated, &w.contract.weight);
    let inverse = reciprocals(&e);
    let greatest = f64::from(inverse.iter().fold(0.0_f32, |m, v| m.max(*v)));
    let fixed = |v: &f32| (f64::from(*v) / greatest * 32767.0).round() as i16;
    let activation = Activation { bump: table, offset, equaliser: inverse.iter().map(fixed).collect() };

    let mut rows = t.activated.clone().plus_row(&vec![raise as f32; t.activated.columns]);
    rows.scale_columns(&inverse);
    rows.data.iter_mut().for_each(|v| *v = v.max(0.0));
    let observed = observe(&rows, unit * greatest * 32768.0 / 32767.0, Sign::Unsigned);
    // The offset adds the same vector to every row; the bias subtracts it again.
    let ones = vec![raise as f32; t.activated.columns];
    let raised = w.contract.weight.times_vector(&ones);
    let bias: Vec<f64> =
        w.contract.bias.iter().zip(&raised).map(|(b, r)| f64::from(*b) - f64::from(*r)).collect();
    let d = draft(&scaled_columns(&w.contract.weight, &e), &bias, &observed);
    report.linear(context.index, "feed-forward 2", d.relative_error());
    let (linear, shift) = residual(context, "feed-forward 2", &d, stream_unit, &t.output_sum)?;
    Ok((activation, linear, shift))
}
