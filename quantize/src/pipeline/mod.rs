//! Chooses the integers of a model, from its float weights and the calibration text.
//!
//! The float model runs over all calibration tokens, layer by layer. After each part of it, a step
//! chooses the integers of the same part:
//!
//! | step | equations of `SPEC.md` | file | what it chooses |
//! |---|---|---|---|
//! | 1 | (32) | `embedding.rs` | the embedding tables, their scales and shift |
//! | 2 | (12) to (18) | `norm.rs` | gains and offsets of a LayerNorm |
//! | 3 | (5) to (11), (19) to (27) | `attention.rs` | the projection, centred, and the score scale |
//! | 4 | (10) to (12) | `residual.rs` | a linear layer that adds to the stream, and its shift |
//! | 5 | (28) to (30) | `feed_forward.rs` | the activation, and the linear layers around it |
//! | 6 | (31), (34) | `head.rs` | pooler and classifier |
//! | 7 | (31), (35), (36) | `dense.rs` | dense layers behind the pooling |
//!
//! All steps share these tools: `equalise.rs` balances channels, `observe.rs` quantises calibration
//! rows as (5) to (9) do, `damping.rs` measures what an epsilon does, `rounding.rs` rounds weights,
//! `fit.rs` chooses shifts and units, `tables.rs` fits the tables of (29) and (31), and `tanh.rs`
//! chooses the input of (31).

mod attention;
mod context;
mod damping;
mod dense;
mod embedding;
mod equalise;
mod feed_forward;
mod fit;
mod head;
mod layer;
mod norm;
mod observe;
mod residual;
mod rounding;
mod tables;
mod tanh;

use std::borrow::Cow;

use lockstep_arith::encoder::Encoder;
use lockstep_arith::range::RangeError;
use lockstep_tokenizer::Encoding;

use crate::checkpoint::Checkpoint;
use crate::report::{Compared, Report, StreamError};
use crate::teacher;
use context::LayerContext;
use damping::damping;
use dense::{dense, equalise};
use embedding::embedding;
use equalise::equaliser_of;
use head::head;
use layer::layer;
use norm::norm;

pub use dense::Ending;
pub use fit::FitError;

/// Greatest relative squared error of a stream on the calibration text. Trained models stay far
/// below it.
const GREATEST_ERROR: f64 = 0.25;

/// Why a checkpoint cannot be quantised.
#[derive(Debug, thiserror::Error)]
pub enum QuantizeError {
    /// The calibration text has no passage.
    #[error("the calibration text has no passage")]
    NoCalibration,
    /// No integers in the ranges of `SPEC.md` describe a part of the model.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// The results of the integers differ too much from those of the float model.
    #[error(
        "the integers do not hold these weights: relative error {error} after {name}, allowed: {GREATEST_ERROR}"
    )]
    Error {
        /// The part of the model after which the error was measured.
        name: String,
        /// Squared error over squared norm, on the calibration text.
        error: f64,
    },
    /// A parameter of the result is outside its declared range.
    #[error("quantized model: {0}")]
    Range(#[from] RangeError),
}

/// A quantised model, the units of its results, and its errors.
pub struct Quantized {
    /// The integers.
    pub encoder: Encoder,
    /// Value of one unit of the last stream, or of the vectors behind dense layers.
    pub vector_unit: f64,
    /// Value of one unit of a logit, if the model has a head.
    pub logit_unit: Option<f64>,
    /// The errors by layer.
    pub report: Report,
}

/// Quantises a checkpoint. It calls `step` with a name when it begins with the embedding, with each
/// layer and with the error report.
///
/// # Errors
/// [`QuantizeError`] names the part of the model and the value.
pub fn quantize(
    checkpoint: &Checkpoint,
    ending: Ending<'_>,
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
    let embedding = embedding(checkpoint);
    let sums = teacher::embedding_sums(checkpoint, sequences);
    let f = damping(&sums, config.epsilon, "embedding LayerNorm")?;
    let mut x = teacher::layer_norm(sums, &checkpoint.embedding_norm, config.epsilon);
    let mut equaliser = equaliser_of(&x, &checkpoint.layers[0].projection.weight);
    let (embedding_norm, mut stream) = norm(&checkpoint.embedding_norm, &x, f, Some(&equaliser), 0);
    compared.keep(&x, stream.unit);

    let mut layers = Vec::with_capacity(config.layers);
    let mut vector_equaliser = Vec::new();
    for (l, weights) in checkpoint.layers.iter().enumerate() {
        step(&format!("layer {l}"));
        let mut trace = teacher::layer(&x, weights, &ranges, config);
        let mut weights = Cow::Borrowed(weights);
        if l + 1 == config.layers && !ending.dense.is_empty() {
            vector_equaliser = equalise(ending, &ranges, weights.to_mut(), &mut trace);
        }
        let next = checkpoint.layers.get(l + 1).map(|w| equaliser_of(&trace.out, &w.projection.weight));
        let context = LayerContext {
            index: l,
            config,
            weights: &weights,
            x: &x,
            equaliser: &equaliser,
            input: stream,
            trace: &trace,
        };
        let (layer, out) = layer(&context, next.as_deref(), &mut report)?;
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
    let (mut dense_layers, mut vector_unit) = (Vec::new(), stream.unit);
    if !ending.dense.is_empty() {
        let pooled = teacher::pool(&x, &ranges, ending.pooling);
        let chosen = dense(ending.dense, pooled, &vector_equaliser, stream.unit, &mut report)?;
        let vectors;
        (dense_layers, vectors, vector_unit) = chosen;
        compared.keep_vectors(&vectors, vector_unit);
    }
    let Ending { pooling, .. } = ending;
    let dense = dense_layers;
    let encoder = Encoder { heads: config.heads, embedding, embedding_norm, layers, pooling, dense, head };
    encoder.validate()?;
    step("error report");
    report.streams = compared.run(&encoder, sequences);
    let holds = |s: &StreamError| s.relative_error.is_finite() && s.relative_error <= GREATEST_ERROR;
    if let Some(stream) = report.streams.iter().find(|s| !holds(s)) {
        return Err(QuantizeError::Error { name: stream.name.clone(), error: stream.relative_error });
    }
    Ok(Quantized { encoder, vector_unit, logit_unit, report })
}
