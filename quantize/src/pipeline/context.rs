//! Everything that is known about a layer while the pipeline chooses its integers.

use super::fit::FitError;
use super::norm::StreamUnits;
use crate::checkpoint::{Config, LayerWeights};
use crate::matrix::Matrix;
use crate::teacher::LayerTrace;

/// One layer: its float weights, its inputs, and its float results on the calibration text.
pub(super) struct LayerContext<'a> {
    /// Index of the layer.
    pub(super) index: usize,
    pub(super) config: &'a Config,
    pub(super) weights: &'a LayerWeights,
    /// The float stream that enters the layer.
    pub(super) x: &'a Matrix,
    /// The equaliser of `x`.
    pub(super) equaliser: &'a [f32],
    /// The units of the integer streams that enter the layer.
    pub(super) input: StreamUnits,
    pub(super) trace: &'a LayerTrace,
}

impl LayerContext<'_> {
    /// The error that a part of this layer has no integer counterpart.
    pub(super) fn fail(&self, part: &str, reason: String) -> FitError {
        FitError { part: format!("layer {} {part}", self.index), reason }
    }
}
