//! Rounds float weights to 7 bits with error feedback (GPTQ, Frantar et al. 2022,
//! arXiv:2210.17323).
//!
//! The error of rounding one input channel is spread over the channels that are not rounded yet,
//! weighted by the second moments of the inputs, `H = X^T X`. This keeps the error of the layer's
//! *output* small.

use rayon::prelude::*;

use crate::matrix::Matrix;

/// Greatest 7-bit magnitude.
const LEVELS: f32 = 63.0;
/// This share of the mean of `H`'s diagonal is added to the diagonal, so that an error in a
/// direction that the calibration never saw also counts.
const DAMPING: f64 = 0.01;
/// Candidate scales, as shares of the scale that clips no weight.
const SHARES: [f32; 13] = [0.70, 0.725, 0.75, 0.775, 0.80, 0.825, 0.85, 0.875, 0.90, 0.925, 0.95, 0.975, 1.0];

/// 7-bit weights and their scales.
pub(super) struct Rounded {
    /// `[outputs, inputs]`, row-major, in [-63, 63].
    pub(super) weights: Vec<i8>,
    /// `[outputs]`.
    pub(super) scales: Vec<f32>,
    /// Squared error of the outputs over the squared outputs, on the calibration inputs.
    pub(super) relative_error: f64,
}

/// Rounds `weight [outputs, inputs]` for inputs with second moments `gram [inputs, inputs]`.
pub(super) fn round(weight: &Matrix, gram: &Matrix) -> Rounded {
    let k = weight.columns;
    let diagonal: Vec<f32> = (0..k).map(|i| gram.data[i * k + i]).collect();
    let mut order: Vec<usize> = (0..k).collect();
    order.sort_by(|&a, &b| diagonal[b].total_cmp(&diagonal[a]).then(a.cmp(&b)));
    let feedback = feedback_rows(gram, &order);

    let rows: Vec<(Vec<i8>, f32, [f64; 2])> = weight
        .data
        .par_chunks_exact(k)
        .map(|row| {
            let scale = best_scale(row, &diagonal);
            let rounded = round_row(row, scale, &order, &feedback);
            let error: Vec<f32> = row.iter().zip(&rounded).map(|(w, &q)| w - f32::from(q) * scale).collect();
            (rounded, scale, [energy(&error, gram), energy(row, gram)])
        })
        .collect();
    let total = |i: usize| rows.iter().map(|r| r.2[i]).sum::<f64>();
    Rounded {
        relative_error: total(0) / total(1).max(f64::MIN_POSITIVE),
        scales: rows.iter().map(|r| r.1).collect(),
        weights: rows.into_iter().flat_map(|r| r.0).collect(),
    }
}

/// The scale for which plain rounding has the least squared error, with inputs weighted by their
/// second moments.
fn best_scale(row: &[f32], diagonal: &[f32]) -> f32 {
    let peak = row.iter().fold(0.0_f32, |m, w| m.max(w.abs()));
    if peak == 0.0 {
        return 1.0 / LEVELS;
    }
    let error = |scale: f32| -> f64 {
        let one = |(w, d): (&f32, &f32)| f64::from((w - quantize(*w, scale) * scale).powi(2) * d);
        row.iter().zip(diagonal).map(one).sum()
    };
    let candidates = SHARES.map(|share| share * peak / LEVELS);
    candidates.into_iter().min_by(|a, b| error(*a).total_cmp(&error(*b))).unwrap_or(peak / LEVELS)
}

fn quantize(w: f32, scale: f32) -> f32 {
    (w / scale).round_ties_even().clamp(-LEVELS, LEVELS)
}

/// Rounds one output channel, its inputs in the given order.
fn round_row(row: &[f32], scale: f32, order: &[usize], feedback: &[Vec<f32>]) -> Vec<i8> {
    let mut rest: Vec<f32> = order.iter().map(|&i| row[i]).collect();
    let mut rounded = vec![0; row.len()];
    for (step, (&input, feedback)) in order.iter().zip(feedback).enumerate() {
        let q = quantize(rest[step], scale);
        rounded[input] = q as i8;
        let error = (rest[step] - q * scale) / feedback[0];
        for (r, f) in rest[step..].iter_mut().zip(feedback) {
            *r -= error * f;
        }
    }
    rounded
}

/// The rows of the upper Cholesky factor `U` of the inverse of `H` (`H^-1 = U^T U`), each from its
/// diagonal on.
///
/// If `P` reverses the order, `P H P = L L^T` gives `U = P L^-1 P`. So one factorisation and one
/// inverse of a triangular matrix suffice.
fn feedback_rows(gram: &Matrix, order: &[usize]) -> Vec<Vec<f32>> {
    let k = order.len();
    let mean: f64 = order.iter().map(|&i| f64::from(gram.data[i * k + i])).sum::<f64>() / k as f64;
    let damping = (mean * DAMPING).max(1e-12);
    let mut l = vec![0.0_f64; k * k];
    for i in 0..k {
        for j in 0..=i {
            let (a, b) = (order[k - 1 - i], order[k - 1 - j]);
            l[i * k + j] = f64::from(gram.data[a * k + b]) + if i == j { damping } else { 0.0 };
        }
    }
    cholesky(&mut l, k);
    let inverse = invert_lower(&l, k);
    (0..k).map(|i| (i..k).map(|j| inverse[(k - 1 - i) * k + (k - 1 - j)] as f32).collect()).collect()
}

/// `A = L L^T` in place, lower triangle, row by row.
fn cholesky(a: &mut [f64], k: usize) {
    for i in 0..k {
        let (done, rest) = a.split_at_mut(i * k);
        let row = &mut rest[..k];
        for j in 0..i {
            let other = &done[j * k..j * k + k];
            row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
        }
        let diagonal = row[i] - dot(&row[..i], &row[..i]);
        row[i] = diagonal.max(f64::MIN_POSITIVE).sqrt();
    }
}

/// The inverse of a lower triangular matrix.
fn invert_lower(l: &[f64], k: usize) -> Vec<f64> {
    // The columns of the inverse are independent. Each is computed contiguously; the result is the
    // transpose.
    let columns: Vec<Vec<f64>> = (0..k)
        .into_par_iter()
        .map(|j| {
            let mut x = vec![0.0; k];
            x[j] = 1.0 / l[j * k + j];
            for i in j + 1..k {
                x[i] = -dot(&l[i * k + j..i * k + i], &x[j..i]) / l[i * k + i];
            }
            x
        })
        .collect();
    let mut inverse = vec![0.0; k * k];
    for (j, column) in columns.iter().enumerate() {
        for (i, &x) in column.iter().enumerate() {
            inverse[i * k + j] = x;
        }
    }
    inverse
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let tail: f64 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for (s, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *s += a * b;
        }
    }
    sums.iter().sum::<f64>() + tail
}

/// `v^T H v`.
fn energy(v: &[f32], gram: &Matrix) -> f64 {
    gram.iter_rows()
        .zip(v)
        .map(|(row, &x)| f64::from(x) * f64::from(row.iter().zip(v).map(|(a, b)| a * b).sum::<f32>()))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_arith::sample::Random;

    fn random(rows: usize, columns: usize, seed: u64) -> Matrix {
        let mut random = Random::new(seed);
        let data = (0..rows * columns).map(|_| random.within(-1000, 1000) as f32 / 1000.0).collect();
        Matrix { rows, columns, data }
    }

    #[test]
    fn the_factor_inverts_the_moments() {
        let x = random(200, 24, 1);
        let gram = x.gram();
        let order: Vec<usize> = (0..24).rev().collect();
        let u = feedback_rows(&gram, &order);
        // H * U^T U must be the identity, up to the damping.
        let inverse = |i: usize, j: usize| -> f64 {
            (0..=i.min(j)).map(|r| f64::from(u[r][i - r]) * f64::from(u[r][j - r])).sum()
        };
        for i in 0..24 {
            for j in 0..24 {
                let product: f64 =
                    (0..24).map(|c| f64::from(gram.data[order[i] * 24 + order[c]]) * inverse(c, j)).sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 0.03, "{i} {j}: {product}");
            }
        }
    }

    #[test]
    fn feedback_beats_plain_rounding_on_correlated_inputs() {
        let basis = random(6, 32, 2);
        let x = random(400, 6, 3);
        let mut inputs = Matrix::zeros(400, 32);
        for i in 0..400 {
            for (j, out) in inputs.row_mut(i).iter_mut().enumerate() {
                *out = (0..6).map(|b| x.row(i)[b] * basis.row(b)[j]).sum();
            }
        }
        let gram = inputs.gram();
        let w = random(16, 32, 4);
        let rounded = round(&w, &gram);
        let mut plain = [0.0, 0.0];
        for row in w.iter_rows() {
            let scale = row.iter().fold(0.0_f32, |m, v| m.max(v.abs())) / LEVELS;
            let error: Vec<f32> = row.iter().map(|&v| v - quantize(v, scale) * scale).collect();
            plain[0] += energy(&error, &gram);
            plain[1] += energy(row, &gram);
        }
        assert!(rounded.relative_error < 0.3 * plain[0] / plain[1], "{} {:?}", rounded.relative_error, plain);
        assert!(rounded.weights.iter().all(|w| (-63..=63).contains(w)));
    }

    #[test]
    fn a_row_of_zeros_stays_zero() {
        let rounded = round(&Matrix::zeros(2, 8), &random(20, 8, 5).gram());
        assert!(rounded.weights.iter().all(|&w| w == 0));
    }
}
