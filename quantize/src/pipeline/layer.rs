//! One layer: steps 3, 4, 2, 5, 4 and 2, in the order in which the data flows through it.

use lockstep_arith::encoder::Layer;
use lockstep_arith::rows::Sign;

use super::attention::projection;
use super::context::LayerContext;
use super::damping::damping;
use super::equalise::{equaliser_of, reciprocals, scaled_columns, widen};
use super::feed_forward::{activation_input, contract};
use super::fit::{FitError, draft};
use super::norm::{StreamUnits, norm};
use super::observe::observe;
use super::residual::residual;
use crate::report::Report;

/// Chooses all integers of a layer. `next` is the equaliser of the next layer, if there is one.
/// Also gives the units of the streams that leave the layer.
pub(super) fn layer(
    context: &LayerContext<'_>,
    next: Option<&[f32]>,
    report: &mut Report,
) -> Result<(Layer, StreamUnits), FitError> {
    let (w, t) = (context.weights, context.trace);
    let (projection, score, input) = projection(context, report)?;

    let (output, shift) = {
        let observed = observe(&input.rows, input.unit, Sign::Signed);
        let d = draft(&input.weight, &input.bias, &observed);
        report.linear(context.index, "attention output", d.relative_error());
        residual(context, "attention output", &d, context.input.unit, &t.attention_sum)?
    };
    let e1 = equaliser_of(&t.attention_out, &w.expand.weight);
    let damped =
        |sums, part: &str| damping(sums, context.config.epsilon, &format!("layer {} {part}", context.index));
    let f = damped(&t.attention_sum, "attention LayerNorm")?;
    let (attention_norm, middle) = norm(&w.attention_norm, &t.attention_out, f, Some(&e1), shift);

    let (expand, bits) = {
        let observed =
            observe(&scaled_columns(&t.attention_out, &reciprocals(&e1)), middle.equalised, Sign::Signed);
        let d = draft(&scaled_columns(&w.expand.weight, &e1), &widen(&w.expand.bias), &observed);
        report.linear(context.index, "feed-forward 1", d.relative_error());
        activation_input(context, &d)?
    };
    let (activation, contract, shift) = contract(context, bits, middle.unit, report)?;
    let f = damped(&t.output_sum, "output LayerNorm")?;
    let (output_norm, out) = norm(&w.output_norm, &t.out, f, next, shift);
    let layer =
        Layer { projection, score, output, attention_norm, expand, activation, contract, output_norm };
    Ok((layer, out))
}
