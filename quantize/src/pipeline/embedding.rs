//! Step 1, equation (32): the tables of the embedding.

use lockstep_arith::embedding::Embedding;
use lockstep_arith::layer_norm::SUM_LIMIT;

use crate::checkpoint::Checkpoint;
use crate::matrix::Matrix;

/// Greatest scale of a word row.
const WORD_SCALE: f64 = 4095.0;

/// The integer tables of the embedding.
pub(super) fn embedding(checkpoint: &Checkpoint) -> Embedding {
    let hidden = checkpoint.config.hidden;
    let peaks: Vec<f64> =
        checkpoint.words.iter_rows().map(|r| r.iter().fold(0.0_f32, |m, x| m.max(x.abs())).into()).collect();
    let word_peak = peaks.iter().copied().fold(1e-9, f64::max);
    let (position_peak, type_peak) =
        (f64::from(checkpoint.positions.peak()), f64::from(checkpoint.types.peak()));
    // The least unit with which every word scale and the greatest possible sum stay in range.
    let unit =
        (word_peak / 127.0 / WORD_SCALE).max((word_peak + position_peak + type_peak) / f64::from(SUM_LIMIT));
    let word_scales: Vec<i16> =
        peaks.iter().map(|p| (p / 127.0 / unit).ceil().clamp(1.0, WORD_SCALE) as i16).collect();
    let rows = checkpoint.words.iter_rows().zip(&word_scales);
    let words = rows
        .flat_map(|(row, &s)| {
            row.iter()
                .map(move |&w| (f64::from(w) / (f64::from(s) * unit)).round().clamp(-127.0, 127.0) as i8)
        })
        .collect();
    let table_peak = position_peak.max(type_peak);
    let table_shift = (table_peak / unit / 32767.0).log2().ceil().clamp(0.0, 7.0) as i32;
    let fixed = |m: &Matrix| -> Vec<i16> {
        let table_unit = unit * f64::powi(2.0, table_shift);
        m.data.iter().map(|&v| (f64::from(v) / table_unit).round().clamp(-32767.0, 32767.0) as i16).collect()
    };
    let (positions, types) = (fixed(&checkpoint.positions), fixed(&checkpoint.types));
    Embedding { hidden, words, word_scales, positions, types, table_shift }
}
