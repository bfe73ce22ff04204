//! The error that quantisation causes, layer by layer.

use std::fmt;
use std::ops::Range;

use lockstep_arith::encoder::Encoder;
use lockstep_tokenizer::Encoding;
use rayon::prelude::*;
use serde::Serialize;

use crate::matrix::Matrix;

/// The most sequences that the error report runs through the integers.
const COMPARED: usize = 48;

/// The error report.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The error of the rounded weights of each linear layer.
    pub linears: Vec<LinearError>,
    /// The error of the stream after the embedding and after each layer, and of the vectors behind
    /// dense layers.
    pub streams: Vec<StreamError>,
}

/// The error of the rounded weights of one linear layer.
#[derive(Debug, Serialize)]
pub struct LinearError {
    /// The name of the layer.
    pub name: String,
    /// Squared error of the outputs over the squared outputs.
    pub relative_error: f64,
}

/// The difference between the integer stream and the float stream.
#[derive(Debug, Serialize)]
pub struct StreamError {
    /// The part after which the streams are compared.
    pub name: String,
    /// Squared error over squared norm, over all compared tokens.
    pub relative_error: f64,
    /// The least cosine between the two vectors of a token, or of a text.
    pub least_cosine: f64,
}

impl Report {
    /// Records the error of a linear layer of transformer layer `l`.
    pub fn linear(&mut self, l: usize, part: &str, relative_error: f64) {
        self.linear_named(&format!("layer {l} {part}"), relative_error);
    }

    /// Records the error of a linear layer.
    pub fn linear_named(&mut self, name: &str, relative_error: f64) {
        self.linears.push(LinearError { name: name.into(), relative_error });
    }

    /// The layer that adds most to the error of the stream, and the error that it adds.
    #[must_use]
    pub fn worst_layer(&self) -> Option<(&str, f64)> {
        let growth =
            self.streams.windows(2).map(|w| (w[1].name.as_str(), w[1].relative_error - w[0].relative_error));
        growth.max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<28} {:>22}", "rounded weights", "relative output error")?;
        for l in &self.linears {
            writeln!(f, "{:<28} {:>22.6}", l.name, l.relative_error)?;
        }
        writeln!(f, "{:<28} {:>22} {:>14}", "stream after", "relative error", "least cosine")?;
        for s in &self.streams {
            writeln!(f, "{:<28} {:>22.6} {:>14.5}", s.name, s.relative_error, s.least_cosine)?;
        }
        match self.worst_layer() {
            Some((name, growth)) => writeln!(f, "worst layer: {name} (adds {growth:.6})"),
            None => Ok(()),
        }
    }
}

/// The float streams of some sequences, kept until the integers are chosen.
pub struct Compared {
    /// The index and the rows of each chosen sequence.
    chosen: Vec<(usize, Range<usize>)>,
    /// After the embedding and after each layer, the kept rows and the unit of the integer stream.
    streams: Vec<(Matrix, f64)>,
    /// The vectors behind the dense layers, and their unit.
    vectors: Option<(Matrix, f64)>,
}

impl Compared {
    /// Chooses sequences at even distances.
    #[must_use]
    pub fn choose(ranges: &[Range<usize>]) -> Self {
        let step = ranges.len().div_ceil(COMPARED).max(1);
        let chosen = ranges.iter().cloned().enumerate().step_by(step).collect();
        Self { chosen, streams: Vec::new(), vectors: None }
    }

    /// Keeps the chosen rows of a float stream.
    pub fn keep(&mut self, x: &Matrix, unit: f64) {
        let kept = rows(x, self.chosen.iter().flat_map(|(_, range)| range.clone()));
        self.streams.push((kept, unit));
    }

    /// Keeps the float vectors `[sequences, width]` of the chosen sequences.
    pub fn keep_vectors(&mut self, vectors: &Matrix, unit: f64) {
        let kept = rows(vectors, self.chosen.iter().map(|(sequence, _)| *sequence));
        self.vectors = Some((kept, unit));
    }

    /// Runs the integers over the chosen sequences and compares every stream, and the vectors.
    #[must_use]
    pub fn run(&self, encoder: &Encoder, sequences: &[Encoding]) -> Vec<StreamError> {
        let runs: Vec<Vec<Vec<i16>>> = self
            .chosen
            .par_iter()
            .map(|(i, _)| {
                let mut seen = Vec::new();
                // The encoder accepts the calibration sequences: the tokenizer made them.
                let _ = encoder
                    .observe(&sequences[*i].ids, &sequences[*i].type_ids, |_, x| seen.push(x.to_vec()));
                seen
            })
            .collect();
        let compare = |(layer, (float, unit)): (usize, &(Matrix, f64))| {
            let integers: Vec<i16> =
                runs.iter().flat_map(|r| r.get(layer).into_iter().flatten().copied()).collect();
            let name = if layer == 0 { "embedding".into() } else { format!("layer {}", layer - 1) };
            let (relative_error, least_cosine) = difference(float, &integers, *unit);
            StreamError { name, relative_error, least_cosine }
        };
        let mut errors: Vec<StreamError> = self.streams.iter().enumerate().map(compare).collect();
        if let Some((float, unit)) = &self.vectors {
            let last = |run: &Vec<Vec<i16>>| run.last().map(|stream| encoder.result(stream));
            let integers: Vec<i32> = runs.iter().filter_map(last).flatten().collect();
            let (relative_error, least_cosine) = difference(float, &integers, *unit);
            errors.push(StreamError { name: "dense layers".into(), relative_error, least_cosine });
        }
        errors
    }
}

/// Some rows of a matrix.
fn rows(x: &Matrix, chosen: impl Iterator<Item = usize>) -> Matrix {
    let mut kept = Matrix { rows: 0, columns: x.columns, data: Vec::new() };
    for row in chosen {
        kept.data.extend_from_slice(x.row(row));
        kept.rows += 1;
    }
    kept
}

/// The relative squared error, and the least cosine between two rows.
fn difference<T: Copy + Into<f64>>(float: &Matrix, integers: &[T], unit: f64) -> (f64, f64) {
    let (mut error, mut total, mut least) = (0.0, 0.0, 1.0_f64);
    for (a, b) in float.iter_rows().zip(integers.chunks_exact(float.columns)) {
        let (mut aa, mut ab, mut bb) = (0.0, 0.0, 0.0);
        for (&a, &b) in a.iter().zip(b) {
            let (a, b) = (f64::from(a), b.into() * unit);
            aa += a * a;
            ab += a * b;
            bb += b * b;
        }
        error += aa - 2.0 * ab + bb;
        total += aa;
        least = least.min(ab / (aa * bb).sqrt().max(f64::MIN_POSITIVE));
    }
    (error / f64::max(total, f64::MIN_POSITIVE), least)
}
