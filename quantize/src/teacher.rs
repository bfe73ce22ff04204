//! The float encoder with which the integers are compared. It runs over the tokens of many
//! sequences at once.

use std::ops::Range;

use lockstep_arith::encoder::Pooling;
use lockstep_tokenizer::Encoding;
use rayon::prelude::*;

use crate::checkpoint::{Checkpoint, Config, Dense, DenseModule, LayerWeights, Norm};
use crate::matrix::Matrix;

/// The rows of each sequence, in a matrix with the tokens of all sequences.
#[must_use]
pub fn row_ranges(sequences: &[Encoding]) -> Vec<Range<usize>> {
    let mut start = 0;
    let range = |s: &Encoding| {
        start += s.ids.len();
        start - s.ids.len()..start
    };
    sequences.iter().map(range).collect()
}

/// The embedding sums `[tokens, D]`, before LayerNorm.
#[must_use]
pub fn embedding_sums(checkpoint: &Checkpoint, sequences: &[Encoding]) -> Matrix {
    let d = checkpoint.config.hidden;
    let mut sums = Matrix { rows: 0, columns: d, data: Vec::new() };
    for sequence in sequences {
        for (position, (&id, &type_id)) in sequence.ids.iter().zip(&sequence.type_ids).enumerate() {
            let tables = checkpoint.positions.row(position).iter().zip(checkpoint.types.row(type_id.into()));
            let word = checkpoint.words.row(id as usize).iter();
            sums.data.extend(word.zip(tables).map(|(w, (p, t))| w + p + t));
            sums.rows += 1;
        }
    }
    sums
}

/// LayerNorm of every row.
#[must_use]
pub fn layer_norm(mut x: Matrix, norm: &Norm, epsilon: f32) -> Matrix {
    let columns = x.columns;
    x.data.par_chunks_exact_mut(columns).for_each(|row| {
        let n = columns as f64;
        let mean = row.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let variance = row.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
        let r = 1.0 / (variance + f64::from(epsilon)).sqrt();
        for (v, (g, b)) in row.iter_mut().zip(norm.gamma.iter().zip(&norm.beta)) {
            *v = ((f64::from(*v) - mean) * r) as f32 * g + b;
        }
    });
    x
}

/// A linear layer over every row.
#[must_use]
pub fn dense(x: &Matrix, layer: &Dense) -> Matrix {
    x.times_transposed(&layer.weight).plus_row(&layer.bias)
}

/// Adds two matrices.
#[must_use]
pub fn add(mut a: Matrix, b: &Matrix) -> Matrix {
    a.data.par_iter_mut().zip(&b.data).for_each(|(a, b)| *a += b);
    a
}

/// Attention over each sequence: `projected [tokens, 3 D]` to the context `[tokens, D]`.
#[must_use]
pub fn attention(projected: &Matrix, ranges: &[Range<usize>], config: &Config) -> Matrix {
    let d = config.hidden;
    let rows: Vec<f32> =
        ranges.par_iter().flat_map_iter(|range| attend(projected, range.clone(), config)).collect();
    Matrix { rows: rows.len() / d, columns: d, data: rows }
}

fn attend(projected: &Matrix, range: Range<usize>, config: &Config) -> Vec<f32> {
    let (d, heads) = (config.hidden, config.heads);
    let width = d / heads;
    let scale = 1.0 / (width as f32).sqrt();
    let n = range.len();
    let part = |row: usize, kind: usize, head: usize| &projected.row(row)[kind * d + head * width..][..width];
    let mut context = vec![0.0; n * d];
    let mut weights = vec![0.0_f32; n];
    for head in 0..heads {
        for (i, row) in range.clone().enumerate() {
            let query = part(row, 0, head);
            for (weight, key) in weights.iter_mut().zip(range.clone()) {
                *weight = query.iter().zip(part(key, 1, head)).map(|(a, b)| a * b).sum::<f32>() * scale;
            }
            let best = weights.iter().fold(f32::MIN, |m, &w| m.max(w));
            weights.iter_mut().for_each(|w| *w = (*w - best).exp());
            let total: f32 = weights.iter().sum();
            let out = &mut context[i * d + head * width..][..width];
            for (weight, value) in weights.iter().zip(range.clone()) {
                for (o, v) in out.iter_mut().zip(part(value, 2, head)) {
                    *o += weight / total * v;
                }
            }
        }
    }
    context
}

/// All intermediate results of one layer, from which the calibration chooses the integers.
pub struct LayerTrace {
    /// `[tokens, 3 D]`.
    pub projected: Matrix,
    /// `[tokens, D]`.
    pub context: Matrix,
    /// The sum that enters the attention's LayerNorm.
    pub attention_sum: Matrix,
    /// The output of the attention's LayerNorm.
    pub attention_out: Matrix,
    /// Inputs of the activation.
    pub expanded: Matrix,
    /// Outputs of the activation.
    pub activated: Matrix,
    /// The sum that enters the last LayerNorm.
    pub output_sum: Matrix,
    /// The layer's output.
    pub out: Matrix,
}

/// One layer over all tokens.
#[must_use]
pub fn layer(x: &Matrix, weights: &LayerWeights, ranges: &[Range<usize>], config: &Config) -> LayerTrace {
    let projected = dense(x, &weights.projection);
    let context = attention(&projected, ranges, config);
    let attention_sum = add(dense(&context, &weights.output), x);
    let attention_out = layer_norm(attention_sum.clone(), &weights.attention_norm, config.epsilon);
    let expanded = dense(&attention_out, &weights.expand);
    let mut activated = expanded.clone();
    activated.data.par_iter_mut().for_each(|v| *v = config.activation.apply((*v).into()) as f32);
    let output_sum = add(dense(&activated, &weights.contract), &attention_out);
    let out = layer_norm(output_sum.clone(), &weights.output_norm, config.epsilon);
    LayerTrace { projected, context, attention_sum, attention_out, expanded, activated, output_sum, out }
}

/// The pooled vectors `[sequences, D]` of the token vectors `[tokens, D]`.
#[must_use]
pub fn pool(x: &Matrix, ranges: &[Range<usize>], pooling: Pooling) -> Matrix {
    let mut pooled = Matrix::zeros(ranges.len(), x.columns);
    for (i, range) in ranges.iter().enumerate() {
        let vector = pooled.row_mut(i);
        let rows = range.clone().map(|token| x.row(token));
        let mut add = |weighted: &mut dyn Iterator<Item = (f64, &[f32])>| {
            let mut sums = vec![0.0; x.columns];
            let mut total = 0.0;
            for (weight, row) in weighted {
                total += weight;
                sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += weight * f64::from(x));
            }
            vector.iter_mut().zip(sums).for_each(|(v, sum)| *v = (sum / total) as f32);
        };
        match pooling {
            Pooling::Mean => add(&mut rows.map(|row| (1.0, row))),
            Pooling::Cls => add(&mut rows.map(|row| (1.0, row)).take(1)),
            Pooling::WeightedMean => add(&mut (1..).map(f64::from).zip(rows)),
            Pooling::Max => {
                vector.fill(f32::MIN);
                for row in rows {
                    vector.iter_mut().zip(row).for_each(|(v, &x)| *v = v.max(x));
                }
            }
        }
    }
    pooled
}

/// A dense layer behind the pooling, over every vector.
#[must_use]
pub fn dense_module(x: &Matrix, module: &DenseModule) -> Matrix {
    let mut y = dense(x, &module.linear);
    if module.tanh {
        y.data.iter_mut().for_each(|v| *v = v.tanh());
    }
    y
}
