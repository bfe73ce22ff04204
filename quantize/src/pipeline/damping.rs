//! The epsilon of a LayerNorm. Equation (16) has none, so its effect goes into the gains.

use super::fit::FitError;
use crate::matrix::Matrix;

/// The greatest difference of the effect between two rows of the calibration text.
const GREATEST_SPREAD: f64 = 0.05;
/// Effects below this do not reach the 16-bit gains.
const NONE: f64 = 1.0 / 65536.0;

/// The factor by which `epsilon` makes the rows of a LayerNorm smaller: `sqrt(v / (v + epsilon))`
/// with the variance `v` of the row, in the middle between the least and the greatest one. `sums`
/// are the inputs on the calibration text.
///
/// # Errors
/// The factor differs too much from row to row.
pub(super) fn damping(sums: &Matrix, epsilon: f32, part: &str) -> Result<f64, FitError> {
    let epsilon = f64::from(epsilon);
    let variances = sums.iter_rows().map(variance).filter(|v| *v > 0.0);
    let (least, most) = variances.fold((f64::INFINITY, 0.0_f64), |(a, b), v| (a.min(v), b.max(v)));
    if most == 0.0 {
        return Ok(1.0);
    }
    let [low, high] = [least, most].map(|v| (v / (v + epsilon)).sqrt());
    if 1.0 - low < NONE {
        return Ok(1.0);
    }
    if high - low > GREATEST_SPREAD {
        let reason = format!(
            "layer_norm_eps is {epsilon}, too much for rows whose variances reach from {least:e} to {most:e}"
        );
        return Err(FitError { part: part.into(), reason });
    }
    Ok((low + high) / 2.0)
}

fn variance(row: &[f32]) -> f64 {
    let n = row.len() as f64;
    let mean = row.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    row.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of two numbers: of variance `v` each.
    fn rows(variances: &[f32]) -> Matrix {
        let data: Vec<f32> = variances.iter().flat_map(|v| [5.0 - v.sqrt(), 5.0 + v.sqrt()]).collect();
        Matrix { rows: variances.len(), columns: 2, data }
    }

    #[test]
    fn the_factor_is_that_of_the_rows() {
        let factor = |variances: &[f32], epsilon| damping(&rows(variances), epsilon, "here");
        assert!(factor(&[1.0, 4.0], 1e-12).is_ok_and(|f| f == 1.0));
        assert!(factor(&[1.0, 1.0], 1e-3).is_ok_and(|f| (f - (1.0_f64 / 1.001).sqrt()).abs() < 1e-6));
        assert!(factor(&[0.0, 0.0], 1e-3).is_ok_and(|f| f == 1.0));
        assert!(factor(&[0.02, 4.0], 1e-3).is_ok());
        let error = factor(&[0.005, 4.0], 1e-3).expect_err("refused").to_string();
        assert!(error.starts_with("here: layer_norm_eps is 0.001"), "{error}");
    }
}
