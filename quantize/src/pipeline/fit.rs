//! Chooses the integers of one linear layer or one LayerNorm: rounded weights, multipliers, shifts
//! and units.

use lockstep_arith::layer_norm::Affine;
use lockstep_arith::linear::Linear;

use super::observe::Observed;
use super::rounding::{Rounded, round};
use crate::matrix::Matrix;

/// The calibration peak becomes half of the greatest 16-bit number, so unseen inputs may be twice
/// as large.
const PEAK_LEVEL: f64 = 16384.0;
const GREATEST: f64 = 32767.0;
const GREATEST_BIAS: i32 = 1 << 21;

/// No integers in the ranges of section 2 of `SPEC.md` describe these parameters.
#[derive(Debug, thiserror::Error)]
#[error("{part}: {reason}")]
pub struct FitError {
    /// The part of the model.
    pub part: String,
    /// What does not fit, with its value.
    pub reason: String,
}

/// A linear layer with rounded weights. Its output unit is not chosen yet.
pub(super) struct Draft {
    rounded: Rounded,
    inputs: usize,
    observed_sign: lockstep_arith::rows::Sign,
    acc_shift: i32,
    /// For each output channel, the value of one unit of `mul_q15(a, m_n)` at `h = 0`.
    gains: Vec<f64>,
    /// The float biases, corrected for the change that the rounding made to the mean output.
    biases: Vec<f64>,
}

/// Rounds the weights `[outputs, inputs]` (already equalised) for the observed rows.
pub(super) fn draft(weight: &Matrix, bias: &[f64], observed: &Observed) -> Draft {
    let rounded = round(weight, &observed.dequantized.gram());
    let integers = Matrix {
        rows: weight.rows,
        columns: weight.columns,
        data: rounded.weights.iter().map(|&w| w.into()).collect(),
    };
    let peak = f64::from(observed.levels.times_transposed(&integers).peak());
    let acc_shift = ((peak / PEAK_LEVEL).log2().ceil().max(0.0) as i32).min(12);
    let levels = f64::from(observed.sign.levels());
    let step = f64::powi(2.0, acc_shift + 15) * observed.unit / levels;

    let wanted = weight.times_vector(&observed.mean);
    let got = integers.times_vector(&observed.dequantized.column_means());
    let mean_error = wanted.iter().zip(&got).zip(&rounded.scales).map(|((w, g), s)| f64::from(w - g * s));
    let biases = bias.iter().zip(mean_error).map(|(b, e)| b + e).collect();
    // A channel whose weights are all 0 needs no range.
    let dead = rounded.weights.chunks_exact(weight.columns).map(|row| row.iter().all(|&w| w == 0));
    let gains =
        rounded.scales.iter().zip(dead).map(|(&s, dead)| if dead { 0.0 } else { f64::from(s) * step });
    let gains = gains.collect();
    Draft { gains, rounded, inputs: weight.columns, observed_sign: observed.sign, acc_shift, biases }
}

impl Draft {
    /// Squared output error of the rounded weights over the squared output.
    pub(super) fn relative_error(&self) -> f64 {
        self.rounded.relative_error
    }

    fn greatest_gain(&self) -> f64 {
        self.gains.iter().copied().fold(f64::MIN_POSITIVE, f64::max)
    }

    /// The finest output unit that the shifts allow.
    pub(super) fn finest_unit(&self) -> f64 {
        self.greatest_gain() * 2.0 / GREATEST
    }

    /// The finest output unit in which every bias fits.
    pub(super) fn finest_bias_unit(&self) -> f64 {
        self.biases.iter().fold(0.0_f64, |m, b| m.max(b.abs())) / f64::from(GREATEST_BIAS)
    }

    /// The layer with outputs in units of `unit`, or `None` if the shifts or the biases cannot
    /// express that unit.
    pub(super) fn finish(&self, unit: f64) -> Option<Linear> {
        let out_shift = (GREATEST * unit / self.greatest_gain()).log2().floor().min(17.0) as i32;
        let biases: Vec<f64> = self.biases.iter().map(|b| (b / unit).round()).collect();
        if out_shift < 1 || biases.iter().any(|b| b.abs() > f64::from(GREATEST_BIAS)) {
            return None;
        }
        let fixed = |gain: &f64| (gain / unit * f64::powi(2.0, out_shift)).round().min(GREATEST) as i16;
        let outputs = self.gains.len();
        let mut weights = vec![0; outputs * self.inputs];
        for (o, row) in self.rounded.weights.chunks_exact(self.inputs).enumerate() {
            for (i, &w) in row.iter().enumerate() {
                weights[i * outputs + o] = w;
            }
        }
        Some(Linear {
            inputs: self.inputs,
            outputs,
            weights,
            multipliers: self.gains.iter().map(fixed).collect(),
            biases: biases.into_iter().map(|b| b as i32).collect(),
            acc_shift: self.acc_shift,
            out_shift,
            sign: self.observed_sign,
        })
    }
}

/// The unit that puts a calibration peak at 2^14.
pub(super) fn unit_of_peak(peak: f32) -> f64 {
    f64::from(peak).max(1e-9) / PEAK_LEVEL
}

/// The integers of (18) for float gains and offsets and the greatest output seen, and the value of
/// one unit.
pub(super) fn affine(gains: &[f64], offsets: &[f64], peak: f32) -> (Affine, f64) {
    let peak_of = |v: &[f64]| v.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    // z has the unit 2^-9, so g / 2^15 * z has the wanted unit if g = gain * 2^6 / unit.
    let unit = unit_of_peak(peak).max(peak_of(gains) * 64.0 / GREATEST).max(peak_of(offsets) / GREATEST);
    let fixed = |v: f64| v.round().clamp(-GREATEST, GREATEST) as i16;
    let gain = gains.iter().map(|g| fixed(g * 64.0 / unit)).collect();
    let offset = offsets.iter().map(|b| fixed(b / unit)).collect();
    (Affine { gain, offset }, unit)
}
