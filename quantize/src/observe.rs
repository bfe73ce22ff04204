//! Calibration inputs of one linear layer, as the integers will see them.

use lockstep_arith::fixed::sat16;
use lockstep_arith::rows::{Sign, quantize_row};
use rayon::prelude::*;

use crate::matrix::Matrix;

/// The rows that enter a linear layer.
pub struct Observed {
    /// `q + z` of (10), as floats: exact.
    pub levels: Matrix,
    /// What the integers stand for: `levels * m / 127 * unit`.
    pub dequantized: Matrix,
    /// Mean of the true rows, a number a channel.
    pub mean: Vec<f32>,
    /// Value of one unit of the 16-bit rows.
    pub unit: f64,
    /// How rows are quantised.
    pub sign: Sign,
}

/// Quantises `x` (already equalised, in real units) by rows whose 16-bit unit is `unit`.
#[must_use]
pub fn observe(x: &Matrix, unit: f64, sign: Sign) -> Observed {
    let k = x.columns;
    let mut levels = Matrix::zeros(x.rows, k);
    let mut dequantized = Matrix::zeros(x.rows, k);
    let rows = levels.data.par_chunks_exact_mut(k).zip(dequantized.data.par_chunks_exact_mut(k));
    rows.zip(x.data.par_chunks_exact(k)).for_each(|((levels, dequantized), row)| {
        let fixed: Vec<i16> = row.iter().map(|&v| sat16((f64::from(v) / unit).round() as i32)).collect();
        let mut q = vec![0; k];
        let scale = quantize_row(&fixed, sign, &mut q);
        let step = f64::from(scale.max) / f64::from(sign.levels()) * unit;
        for ((level, value), q) in levels.iter_mut().zip(dequantized).zip(q) {
            *level = (i32::from(q) + sign.zero_point()) as f32;
            *value = (f64::from(*level) * step) as f32;
        }
    });
    Observed { levels, dequantized, mean: x.column_means(), unit, sign }
}
