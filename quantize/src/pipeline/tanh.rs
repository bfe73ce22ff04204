//! Equation (31): a linear layer and the `tanh` behind it.

use lockstep_arith::activation::Table;
use lockstep_arith::linear::Linear;

use super::fit::{Draft, FitError};
use super::tables;

/// Value of one unit of a `tanh`.
pub(super) const TANH_UNIT: f64 = 1.0 / 32768.0;
/// Most fraction bits of its input.
const BITS: i32 = 12;

/// The layer, whose outputs have the most fraction bits that fit, and the table of the `tanh`.
pub(super) fn before_tanh(draft: &Draft, part: &str) -> Result<(Linear, Table), FitError> {
    let finest = (1..=BITS).rev().find_map(|bits| Some((draft.finish(f64::powi(2.0, -bits))?, bits)));
    let (linear, bits) = finest
        .ok_or_else(|| FitError { part: part.into(), reason: "its outputs do not fit 16 bits".into() })?;
    Ok((linear, tables::tanh(bits)))
}
