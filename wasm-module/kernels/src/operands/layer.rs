//! A linear layer with its weights packed, and the rows that it multiplies.

use alloc::vec::Vec;

use lockstep_arith::linear::Linear;
use lockstep_arith::rows::{Scale, Sign};

use super::packed::PackedWeights;

/// The parameters of equation (11), which turns accumulators into outputs.
#[derive(Clone, Debug)]
pub struct Requantizer {
    /// Multipliers `c`, shape `[N]`.
    pub multipliers: Vec<i16>,
    /// Biases `b`, shape `[N]`.
    pub biases: Vec<i32>,
    /// The shift of an accumulator before it is narrowed to 16 bits.
    pub acc_shift: i32,
    /// The part of the output's shift that does not depend on the row.
    pub out_shift: i32,
}

/// A linear layer with its weights in the order in which the kernels read them.
#[derive(Clone, Debug)]
pub struct PackedLinear {
    /// Weights, and the constants of their columns.
    pub weights: PackedWeights,
    /// From accumulators to outputs.
    pub requantizer: Requantizer,
    /// How the input rows are quantised: by (8) or by (9).
    pub sign: Sign,
}

impl From<Linear> for PackedLinear {
    fn from(linear: Linear) -> Self {
        let Linear { inputs, outputs, weights, multipliers, biases, acc_shift, out_shift, sign } = linear;
        Self {
            weights: PackedWeights::pack(&weights, inputs, outputs, sign),
            requantizer: Requantizer { multipliers, biases, acc_shift, out_shift },
            sign,
        }
    }
}

/// Quantised rows and their scales.
#[derive(Clone, Copy, Debug)]
pub struct QuantizedRows<'a> {
    /// Rows of [`PackedWeights::row_len`] bytes.
    pub q: &'a [i8],
    /// One scale for each row.
    pub scales: &'a [Scale],
}

impl QuantizedRows<'_> {
    /// Checks that `layer` takes these rows and that its results fill `outputs` numbers.
    ///
    /// # Panics
    /// If they do not.
    pub(crate) fn check(self, layer: &PackedLinear, outputs: usize) {
        let PackedLinear { weights, requantizer, .. } = layer;
        assert_eq!(weights.rows_of(self.q, outputs), self.scales.len(), "a scale for each row");
        let channels = (requantizer.multipliers.len(), requantizer.biases.len());
        assert_eq!(
            channels,
            (weights.outputs(), weights.outputs()),
            "a multiplier and a bias for each channel"
        );
    }
}
