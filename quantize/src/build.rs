//! From a float checkpoint and calibration sequences to the integers: the pipeline.

use std::ops::Range;

use lockstep_arith::activation::{Activation, least_offset};
use lockstep_arith::attention::ScoreScale;
use lockstep_arith::embedding::Embedding;
use lockstep_arith::encoder::{Encoder, Head, Layer, Pooling};
use lockstep_arith::layer_norm::{LayerNorm, SUM_LIMIT};
use lockstep_arith::linear::Linear;
use lockstep_arith::range::RangeError;
use lockstep_arith::rows::Sign;
use lockstep_tokenizer::Encoding;

use crate::checkpoint::{Checkpoint, HeadWeights, LayerWeights, Norm};
use crate::fit::{Draft, FitError, affine, draft, unit_of_peak};
use crate::matrix::Matrix;
use crate::observe::observe;
use crate::report::{Compared, Report, StreamError};
use crate::tables;
use crate::teacher::{self, LayerTrace};

/// Smoothing exponent of the equalisation (SmoothQuant, Xiao et al. 2022, arXiv:2211.10438).
const ALPHA: f32 = 0.5;
/// Greatest scale of a word row.
const WORD_SCALE: f64 = 4095.0;

/// Greatest relative squared error of a stream, on calibration text; trained models stay far below.
const GREATEST_ERROR: f64 = 0.25;

/// Why a checkpoint cannot be quantised.
#[derive(Debug, thiserror::Error)]
pub enum QuantizeError {
    /// No calibration sequence.
    #[error("the calibration text has no passage")]
    NoCalibration,
    /// Some parameters have no integer counterpart.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// The integers do not follow the float model.
    #[error(
        "the integers do not hold these weights: relative error {error} after {name}, allowed: {GREATEST_ERROR}"
    )]
    Error {
        /// After which part of the model.
        name: String,
        /// Squared error over squared norm, on the calibration text.
        error: f64,
    },
    /// The result breaks a declared range.
    #[error("quantized model: {0}")]
    Range(#[from] RangeError),
}

/// A quantised model and what is known of it.
pub struct Quantized {
    /// The integers.
    pub encoder: Encoder,
    /// Value of one unit of the last stream.
    pub vector_unit: f64,
    /// Value of one unit of a logit, where there is a head.
    pub logit_unit: Option<f64>,
    /// Errors by layer.
    pub report: Report,
}

/// Quantises. `step` is called with the name of each step as it begins; there are `2 + layers` of them.
///
/// # Errors
/// [`QuantizeError`] names the part and the value.
pub fn quantize(
    checkpoint: &Checkpoint,
    pooling: Pooling,
    sequences: &[Encoding],
    mut step: impl FnMut(&str),
) -> Result<Quantized, QuantizeError> {
    if sequences.is_empty() {
        return Err(QuantizeError::NoCalibration);
    }
    let config = &checkpoint.config;
    let ranges = teacher::row_ranges(sequences);
    let mut compared = Compared::choose(&ranges);
    let mut report = Report::default();

    step("embedding");
    let (embedding, _) = embedding(checkpoint);
    let sums = teacher::embedding_sums(checkpoint, sequences);
    let mut x = teacher::layer_norm(sums, &checkpoint.embedding_norm, config.epsilon);
    let mut equaliser = equaliser_of(&x, &checkpoint.layers[0].projection.weight);
    let (embedding_norm, mut stream) = norm(&checkpoint.embedding_norm, &x, Some(&equaliser), 0);
    compared.keep(&x, stream.unit);

    let mut layers = Vec::with_capacity(config.layers);
    for (l, weights) in checkpoint.layers.iter().enumerate() {
        step(&format!("layer {l}"));
        let trace = teacher::layer(&x, weights, &ranges, config);
        let next = checkpoint.layers.get(l + 1).map(|w| equaliser_of(&trace.out, &w.projection.weight));
        let builder = LayerBuilder {
            l,
            weights,
            checkpoint,
            x: &x,
            equaliser: &equaliser,
            input: stream,
            trace: &trace,
        };
        let (layer, out) = builder.build(next.as_deref(), &mut report)?;
        layers.push(layer);
        compared.keep(&trace.out, out.unit);
        stream = out;
        x = trace.out;
        equaliser = next.unwrap_or_default();
    }
    let (head, logit_unit) = match &checkpoint.head {
        Some(weights) => {
            let (head, unit) = head(weights, &x, &ranges, stream.unit, &mut report)?;
            (Some(head), Some(unit))
        }
        None => (None, None),
    };
    let encoder = Encoder { heads: config.heads, embedding, embedding_norm, layers, pooling, head };
    encoder.validate()?;
    step("error report");
    report.streams = compared.run(&encoder, sequences);
    let holds = |s: &StreamError| s.relative_error.is_finite() && s.relative_error <= GREATEST_ERROR;
    if let Some(stream) = report.streams.iter().find(|s| !holds(s)) {
        return Err(QuantizeError::Error { name: stream.name.clone(), error: stream.relative_error });
    }
    Ok(Quantized { encoder, vector_unit: stream.unit, logit_unit, report })
}

/// Units of a LayerNorm's two outputs.
#[derive(Clone, Copy)]
struct StreamUnits {
    unit: f64,
    equalised: f64,
}

/// `max|x|^alpha / max|w|^(1 - alpha)`, a number an input channel: `x` is divided by it, `w` multiplied.
fn equaliser_of(x: &Matrix, weight: &Matrix) -> Vec<f32> {
    equaliser(&x.column_peaks(), &weight.column_peaks())
}

fn equaliser(inputs: &[f32], weights: &[f32]) -> Vec<f32> {
    let one = |(x, w): (&f32, &f32)| x.max(1e-5).powf(ALPHA) / w.max(1e-5).powf(1.0 - ALPHA);
    inputs.iter().zip(weights).map(one).collect()
}

fn reciprocals(v: &[f32]) -> Vec<f32> {
    v.iter().map(|x| 1.0 / x).collect()
}

fn scaled_columns(m: &Matrix, factors: &[f32]) -> Matrix {
    let mut m = m.clone();
    m.scale_columns(factors);
    m
}

fn widen(v: &[f32]) -> Vec<f64> {
    v.iter().map(|&x| x.into()).collect()
}

/// The embedding tables, and the value of one unit of their sum.
fn embedding(checkpoint: &Checkpoint) -> (Embedding, f64) {
    let hidden = checkpoint.config.hidden;
    let peaks: Vec<f64> =
        checkpoint.words.iter_rows().map(|r| r.iter().fold(0.0_f32, |m, x| m.max(x.abs())).into()).collect();
    let word_peak = peaks.iter().copied().fold(1e-9, f64::max);
    let (position_peak, type_peak) =
        (f64::from(checkpoint.positions.peak()), f64::from(checkpoint.types.peak()));
    // Neither a word's scale nor the greatest possible sum leaves its range.
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
    (Embedding { hidden, words, word_scales, positions, types, table_shift }, unit)
}

/// A LayerNorm whose float output is `x`.
fn norm(
    weights: &Norm,
    x: &Matrix,
    equaliser: Option<&[f32]>,
    residual_shift: i32,
) -> (LayerNorm, StreamUnits) {
    let (gains, offsets) = (widen(&weights.gamma), widen(&weights.beta));
    let (stream, unit) = affine(&gains, &offsets, x.peak());
    let (equalised, equalised_unit) = match equaliser {
        Some(e) => {
            let divided =
                |v: &[f64]| -> Vec<f64> { v.iter().zip(e).map(|(v, &e)| v / f64::from(e)).collect() };
            let peak = x.column_peaks().iter().zip(e).fold(0.0_f32, |m, (x, e)| m.max(x / e));
            let (a, u) = affine(&divided(&gains), &divided(&offsets), peak);
            (Some(a), u)
        }
        None => (None, 0.0),
    };
    (LayerNorm { stream, equalised, residual_shift }, StreamUnits { unit, equalised: equalised_unit })
}

/// Everything known about one layer while it is built.
struct LayerBuilder<'a> {
    l: usize,
    weights: &'a LayerWeights,
    checkpoint: &'a Checkpoint,
    x: &'a Matrix,
    equaliser: &'a [f32],
    input: StreamUnits,
    trace: &'a LayerTrace,
}

impl LayerBuilder<'_> {
    fn fail(&self, part: &str, reason: String) -> FitError {
        FitError { part: format!("layer {} {part}", self.l), reason }
    }

    fn build(&self, next: Option<&[f32]>, report: &mut Report) -> Result<(Layer, StreamUnits), FitError> {
        let (w, t) = (self.weights, self.trace);
        let (projection, score, context) = self.projection(report)?;

        let (output, shift) = {
            let observed = observe(&context.rows, context.unit, Sign::Signed);
            let d = draft(&context.weight, &context.bias, &observed);
            report.linear(self.l, "attention output", d.relative_error());
            self.residual("attention output", &d, self.input.unit, &t.attention_sum)?
        };
        let e1 = equaliser_of(&t.attention_out, &w.expand.weight);
        let (attention_norm, middle) = norm(&w.attention_norm, &t.attention_out, Some(&e1), shift);

        let (expand, bits) = {
            let observed =
                observe(&scaled_columns(&t.attention_out, &reciprocals(&e1)), middle.equalised, Sign::Signed);
            let d = draft(&scaled_columns(&w.expand.weight, &e1), &widen(&w.expand.bias), &observed);
            report.linear(self.l, "feed-forward 1", d.relative_error());
            self.activation_input(&d)?
        };
        let (activation, contract, shift) = self.contract(bits, middle.unit, report)?;
        let (output_norm, out) = norm(&w.output_norm, &t.out, next, shift);
        let layer =
            Layer { projection, score, output, attention_norm, expand, activation, contract, output_norm };
        Ok((layer, out))
    }

    /// The linear layer that adds to a stream of unit `unit`, with the finest shift that fits.
    fn residual(&self, part: &str, d: &Draft, unit: f64, sums: &Matrix) -> Result<(Linear, i32), FitError> {
        let peak = f64::from(sums.peak());
        let fits = |shift: &i32| peak / unit * f64::powi(2.0, *shift) * 4.0 <= f64::from(SUM_LIMIT);
        let finish = |shift: i32| d.finish(unit / f64::powi(2.0, shift)).map(|linear| (linear, shift));
        (0..=4).rev().filter(|s| *s == 0 || fits(s)).find_map(finish).ok_or_else(|| {
            self.fail(
                part,
                format!("outputs of unit {unit:e} do not fit: the layer's gain or a bias is too great"),
            )
        })
    }

    /// The linear layer before the activation, with the most fraction bits that fit.
    fn activation_input(&self, d: &Draft) -> Result<(Linear, i32), FitError> {
        let peak = f64::from(self.trace.expanded.peak());
        let fits = |bits: &i32| *bits == 1 || peak * f64::powi(2.0, *bits) <= 16384.0;
        let finish = |bits: i32| d.finish(f64::powi(2.0, -bits)).map(|linear| (linear, bits));
        (1..=12).rev().filter(fits).find_map(finish).ok_or_else(|| {
            self.fail(
                "feed-forward 1",
                format!("outputs up to {peak} do not fit 16 bits with one fraction bit"),
            )
        })
    }

    /// Queries, keys and values: keys and values centred, the three balanced against each other.
    fn projection(&self, report: &mut Report) -> Result<(Linear, ScoreScale, ContextInput), FitError> {
        let (w, t) = (self.weights, self.trace);
        let d = self.checkpoint.config.hidden;
        let width = d / self.checkpoint.config.heads;
        let mean = t.projected.column_means();
        let mut shift = vec![0.0; d];
        shift.extend_from_slice(&mean[d..]);
        let centred = t.projected.clone().plus_row(&shift.iter().map(|m| -m).collect::<Vec<f32>>());
        let peaks: Vec<f32> = centred.column_peaks().into_iter().map(|p| p.max(1e-5)).collect();
        let (q, rest) = peaks.split_at(d);
        let (k, v) = rest.split_at(d);
        // A query's channel may be multiplied by what the key's is divided by.
        let balance: Vec<f32> = q.iter().zip(k).map(|(q, k)| (k / q).sqrt()).collect();
        // A value's channel is equalised against the attention's output layer, then brought to the queries' range.
        let context_peaks = {
            let value_mean: Vec<f32> = mean[2 * d..].iter().map(|m| -m).collect();
            t.context.clone().plus_row(&value_mean).column_peaks()
        };
        let e = equaliser(&context_peaks, &w.output.weight.column_peaks());
        let peak_of = |v: &[f32], f: &[f32]| v.iter().zip(f).fold(0.0_f32, |m, (v, f)| m.max(v * f));
        let inverse = reciprocals(&balance);
        let target = peak_of(q, &balance).max(peak_of(k, &inverse));
        let fill = target / peak_of(v, &reciprocals(&e)).max(1e-9);
        let e: Vec<f32> = e.iter().map(|e| e / fill).collect();
        let factors = [balance, inverse, reciprocals(&e)].concat();

        let mut weight = scaled_columns(&w.projection.weight, self.equaliser);
        weight.scale_rows(&factors);
        let bias = w.projection.bias.iter().zip(&shift).zip(&factors);
        let bias: Vec<f64> = bias.map(|((b, m), f)| f64::from(b - m) * f64::from(*f)).collect();
        let rows = scaled_columns(self.x, &reciprocals(self.equaliser));
        let draft = draft(&weight, &bias, &observe(&rows, self.input.equalised, Sign::Signed));
        report.linear(self.l, "projection", draft.relative_error());
        let unit = unit_of_peak(target).max(draft.finest_unit());
        let linear = draft
            .finish(unit)
            .ok_or_else(|| self.fail("projection", format!("a bias does not fit the unit {unit:e}")))?;
        let score = self.score_scale(unit, width)?;

        let value_mean = &mean[2 * d..];
        let moved = w.output.weight.times_vector(value_mean);
        let bias = w.output.bias.iter().zip(&moved).map(|(b, m)| f64::from(*b) + f64::from(*m)).collect();
        let negative: Vec<f32> = value_mean.iter().map(|m| -m).collect();
        let mut rows = t.context.clone().plus_row(&negative);
        rows.scale_columns(&reciprocals(&e));
        let context = ContextInput {
            rows,
            unit: unit * 256.0 / 127.0,
            weight: scaled_columns(&w.output.weight, &e),
            bias,
        };
        Ok((linear, score, context))
    }

    /// (20): octaves of 2^-10 for one unit of the product of an 8-bit query and key at `m_q = m_k = 1`.
    fn score_scale(&self, unit: f64, width: usize) -> Result<ScoreScale, FitError> {
        let octaves =
            unit * unit * std::f64::consts::LOG2_E * 1024.0 / (127.0 * 127.0 * (width as f64).sqrt());
        let shift = 14 - octaves.log2().floor() as i32;
        let multiplier = (octaves * f64::powi(2.0, shift)).round();
        let (multiplier, shift) =
            if multiplier > 32767.0 { (16384.0, shift - 1) } else { (multiplier, shift) };
        if shift < 37 {
            let peak = unit * 16384.0;
            return Err(
                self.fail("attention", format!("queries and keys reach {peak}: their products do not fit"))
            );
        }
        // Beyond 74 every difference of scores rounds to nothing at either shift.
        Ok(ScoreScale { multiplier: multiplier as i16, shift: shift.min(74) })
    }

    /// Activation and second feed-forward layer.
    fn contract(
        &self,
        bits: i32,
        stream_unit: f64,
        report: &mut Report,
    ) -> Result<(Activation, Linear, i32), FitError> {
        let (w, t) = (self.weights, self.trace);
        let bump = self.checkpoint.config.activation.bump(bits);
        let offset = least_offset(&bump);
        let unit = f64::powi(2.0, -bits);
        let raise = f64::from(offset) * unit;

        let e = equaliser_of(&t.activated, &w.contract.weight);
        let inverse = reciprocals(&e);
        let greatest = f64::from(inverse.iter().fold(0.0_f32, |m, v| m.max(*v)));
        let fixed = |v: &f32| (f64::from(*v) / greatest * 32767.0).round() as i16;
        let activation = Activation { bump, offset, equaliser: inverse.iter().map(fixed).collect() };

        let mut rows = t.activated.clone().plus_row(&vec![raise as f32; t.activated.columns]);
        rows.scale_columns(&inverse);
        rows.data.iter_mut().for_each(|v| *v = v.max(0.0));
        let observed = observe(&rows, unit * greatest * 32768.0 / 32767.0, Sign::Unsigned);
        // The raised input adds the same to every row: take it back in the bias.
        let ones = vec![raise as f32; t.activated.columns];
        let raised = w.contract.weight.times_vector(&ones);
        let bias: Vec<f64> =
            w.contract.bias.iter().zip(&raised).map(|(b, r)| f64::from(*b) - f64::from(*r)).collect();
        let d = draft(&scaled_columns(&w.contract.weight, &e), &bias, &observed);
        report.linear(self.l, "feed-forward 2", d.relative_error());
        let (linear, shift) = self.residual("feed-forward 2", &d, stream_unit, &t.output_sum)?;
        Ok((activation, linear, shift))
    }
}

/// What enters the attention's output layer.
struct ContextInput {
    rows: Matrix,
    unit: f64,
    weight: Matrix,
    bias: Vec<f64>,
}

/// Pooler and classifier, over the first row of each sequence; also the value of one unit of a logit.
fn head(
    weights: &HeadWeights,
    x: &Matrix,
    ranges: &[Range<usize>],
    unit: f64,
    report: &mut Report,
) -> Result<(Head, f64), FitError> {
    const BITS: i32 = 12;
    let fail = |part: &str, reason: &str| FitError { part: part.into(), reason: reason.into() };
    let mut first = Matrix::zeros(ranges.len(), x.columns);
    for (i, range) in ranges.iter().enumerate() {
        first.row_mut(i).copy_from_slice(x.row(range.start));
    }
    let pooler =
        draft(&weights.pooler.weight, &widen(&weights.pooler.bias), &observe(&first, unit, Sign::Signed));
    report.linear_named("pooler", pooler.relative_error());
    let finest = (1..=BITS).rev().find_map(|bits| Some((pooler.finish(f64::powi(2.0, -bits))?, bits)));
    let (pooler, bits) = finest.ok_or_else(|| fail("pooler", "its outputs do not fit 16 bits"))?;

    let mut pooled = teacher::dense(&first, &weights.pooler);
    pooled.data.iter_mut().for_each(|v| *v = v.tanh());
    let observed = observe(&pooled, f64::powi(2.0, -15), Sign::Signed);
    let classifier = draft(&weights.classifier.weight, &widen(&weights.classifier.bias), &observed);
    report.linear_named("classifier", classifier.relative_error());
    // Logits keep 6 bits more than the 16-bit products have.
    let unit = (classifier.finest_unit() * 64.0).max(classifier.finest_bias_unit()).max(1e-12);
    let classifier = classifier.finish(unit).ok_or_else(|| fail("classifier", "a bias does not fit"))?;
    Ok((Head { pooler, tanh: tables::tanh(bits), classifier }, unit))
}
