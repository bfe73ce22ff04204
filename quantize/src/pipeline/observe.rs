//! Quantises the calibration inputs of one linear layer as the integers will be: (5) to (9).

use lockstep_arith::fixed::sat16;
use lockstep_arith::rows::{Sign, quantize_row};
use rayon::prelude::*;

use crate::matrix::Matrix;

/// The rows that enter a linear layer.
pub(super) struct Observed {
    /// `q + z` of (10), exact in f32.
    pub(super) levels: Matrix,
    /// The values that the integers stand for: `levels * m / 127 * unit`, with 255 for unsigned
    /// rows.
    pub(super) dequantized: Matrix,
    /// The mean of each channel before quantisation.
    pub(super) mean: Vec<f32>,
    /// Value of one unit of the 16-bit rows.
    pub(super) unit: f64,
    /// Whether the rows are signed.
    pub(super) sign: Sign,
}

/// Quantises the rows of `x`, which are float and already equalised. `unit` is one unit of the
/// 16-bit rows.
pub(super) fn observe(x: &Matrix, unit: f64, sign: Sign) -> Observed {
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
