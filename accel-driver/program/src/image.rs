//! The weight image: everything of a model that lies in card memory, in the order in which the
//! engine reads it.

use lockstep_accel_abi::engine::HIDDEN_MAX;
use lockstep_arith::encoder::{Encoder, Layer, Pooling};
use lockstep_arith::layer_norm::LayerNorm;
use lockstep_arith::linear::Linear;
use lockstep_arith::rows::Sign;

use crate::array::ArrayShape;
use crate::error::Error;
use crate::shape::Shape;

/// Token types that fit a word of memory G.
const TYPES: usize = 4;

/// A model in card memory.
#[derive(Clone, Debug)]
pub struct Image {
    /// The bytes as they lie in card memory. Their first address is a multiple of a word.
    pub bytes: Vec<u8>,
    pub(crate) shape: Shape,
    pub(crate) vocabulary: usize,
    pub(crate) types: usize,
    pub(crate) positions: usize,
    /// Offset of the word rows in bytes. The other offsets below are in bytes, too.
    pub(crate) rows_at: usize,
    pub(crate) row_words: usize,
    pub(crate) tables_at: usize,
    pub(crate) tables_words: usize,
    pub(crate) positions_at: usize,
    pub(crate) layers_at: usize,
    pub(crate) layers_words: usize,
    pub(crate) table_shift: i32,
    /// Whether the vectors are the first rows, instead of sums of rows.
    pub(crate) first_row: bool,
    pub(crate) layers: Vec<LayerFacts>,
    pub(crate) lanes: usize,
}

/// The facts about a layer that stand in its instructions.
#[derive(Clone, Debug)]
pub(crate) struct LayerFacts {
    pub(crate) projection: (i32, i32),
    pub(crate) output: (i32, i32),
    pub(crate) expand: (i32, i32),
    pub(crate) contract: (i32, i32),
    pub(crate) score: (i16, i32),
    pub(crate) attention_residual: i32,
    pub(crate) output_residual: i32,
    pub(crate) table: [i16; 24],
    pub(crate) fraction_bits: i32,
    pub(crate) offset: i16,
    /// Offset of the panels of the first feed-forward layer.
    pub(crate) expand_at: usize,
    /// Words of these panels.
    pub(crate) expand_words: usize,
}

impl Image {
    /// Lays out a model for an engine. The vectors of a model with a head are the head's inputs,
    /// the first rows of (34); those of a model with dense layers are the pooled ones, (33). The
    /// head and the dense layers have no place on the card.
    ///
    /// # Errors
    /// A shape that the engine does not take.
    pub fn new(encoder: &Encoder, engine: &ArrayShape) -> Result<Self, Error> {
        let n = engine.lanes;
        let hidden = encoder.hidden();
        let intermediate = encoder.layers.first().map_or(0, |l| l.expand.outputs);
        let shape = Shape { hidden, heads: encoder.heads, width: hidden / encoder.heads, intermediate };
        shape.check(engine)?;
        let pooling = if encoder.head.is_some() { Pooling::Cls } else { encoder.pooling };
        if let Some(value) = [Pooling::Max, Pooling::WeightedMean].iter().position(|p| *p == pooling) {
            let what = "pooling (0 mean, 1 CLS, 2 max, 3 weighted mean)";
            return Err(Error::Shape { what, value: value + 2, allowed: "0 and 1".into() });
        }
        let types = encoder.embedding.type_count();
        if types > TYPES {
            return Err(Error::Shape {
                what: "number of token types",
                value: types,
                allowed: format!("1 to {TYPES}"),
            });
        }
        if encoder.layers.iter().any(|l| l.expand.outputs != intermediate) {
            return Err(Error::Shape { what: "layers of another width", value: 1, allowed: "0".into() });
        }

        let mut bytes = Vec::new();
        let row_words = hidden.div_ceil(n) + 1;
        for (row, scale) in encoder.embedding.words.chunks_exact(hidden).zip(&encoder.embedding.word_scales) {
            bytes.extend(row.iter().map(|&w| w as u8));
            bytes.resize(bytes.len().next_multiple_of(n), 0);
            bytes.extend(scale.to_le_bytes());
            bytes.extend(std::iter::repeat_n(0, n - 2));
        }
        let tables_at = bytes.len();
        for j in 0..hidden {
            for t in 0..TYPES {
                let value = if t < types { encoder.embedding.types[t * hidden + j] } else { 0 };
                bytes.extend(value.to_le_bytes());
            }
        }
        push_norm(&mut bytes, &encoder.embedding_norm);
        let tables_words = (bytes.len() - tables_at) / n;

        let positions_at = bytes.len();
        let positions = encoder.embedding.position_count();
        for tile in 0..positions.div_ceil(n) {
            for j in 0..hidden {
                for lane in 0..n {
                    let value =
                        encoder.embedding.positions.get((tile * n + lane) * hidden + j).copied().unwrap_or(0);
                    bytes.extend(value.to_le_bytes());
                }
            }
        }
        let layers_at = bytes.len();
        let mut layers = Vec::new();
        for layer in &encoder.layers {
            let expand = push_layer(&mut bytes, layer, &shape, engine);
            layers.push(facts(layer, expand.start, expand.len() / n));
        }
        let layers_words = (bytes.len() - layers_at) / n;
        Ok(Self {
            shape,
            vocabulary: encoder.embedding.vocabulary(),
            types,
            positions,
            rows_at: 0,
            row_words,
            tables_at,
            tables_words,
            positions_at,
            layers_at,
            layers_words,
            table_shift: encoder.embedding.table_shift,
            first_row: pooling == Pooling::Cls,
            layers,
            lanes: n,
            bytes,
        })
    }
}

fn facts(layer: &Layer, expand_at: usize, expand_words: usize) -> LayerFacts {
    let shifts = |l: &Linear| (l.acc_shift, l.out_shift);
    let mut table = [0; 24];
    for (to, &from) in table.iter_mut().zip(layer.activation.bump.coefficients.as_flattened()) {
        *to = from;
    }
    LayerFacts {
        projection: shifts(&layer.projection),
        output: shifts(&layer.output),
        expand: shifts(&layer.expand),
        contract: shifts(&layer.contract),
        score: (layer.score.multiplier, layer.score.shift),
        attention_residual: layer.attention_norm.residual_shift,
        output_residual: layer.output_norm.residual_shift,
        table,
        fraction_bits: layer.activation.bump.fraction_bits,
        offset: layer.activation.offset,
        expand_at,
        expand_words,
    }
}

/// Writes a layer. Returns the range of the first feed-forward layer.
fn push_layer(
    bytes: &mut Vec<u8>,
    layer: &Layer,
    shape: &Shape,
    engine: &ArrayShape,
) -> std::ops::Range<usize> {
    let d = shape.hidden;
    let group = shape.group(engine);
    for first in (0..d).step_by(group) {
        for part in 0..3 {
            let columns = part * d + first..part * d + (first + group).min(d);
            push_panels(bytes, &layer.projection, None, columns, engine.lanes);
        }
    }
    push_norm(bytes, &layer.attention_norm);
    push_panels(bytes, &layer.output, None, 0..d, engine.lanes);
    let expand_at = bytes.len();
    push_panels(bytes, &layer.expand, Some(&layer.activation.equaliser), 0..shape.intermediate, engine.lanes);
    let expand = expand_at..bytes.len();
    push_norm(bytes, &layer.output_norm);
    push_panels(bytes, &layer.contract, None, 0..d, engine.lanes);
    expand
}

/// Writes a LayerNorm: four 16-bit numbers a channel.
fn push_norm(bytes: &mut Vec<u8>, norm: &LayerNorm) {
    debug_assert!(norm.stream.gain.len() <= HIDDEN_MAX);
    for j in 0..norm.stream.gain.len() {
        let second = norm.equalised.as_ref().map_or((0, 0), |e| (e.gain[j], e.offset[j]));
        for value in [norm.stream.gain[j], norm.stream.offset[j], second.0, second.1] {
            bytes.extend(value.to_le_bytes());
        }
    }
}

/// Writes panels of `lanes` columns: a header of twelve words, then one word for each row of
/// weights. The last panel is filled with columns of zeros, whose sums are zero.
fn push_panels(
    bytes: &mut Vec<u8>,
    linear: &Linear,
    equaliser: Option<&[i16]>,
    columns: std::ops::Range<usize>,
    lanes: usize,
) {
    for first in columns.clone().step_by(lanes) {
        let panel = first..(first + lanes).min(columns.end);
        let missing = lanes - panel.len();
        let mut header = |width: usize, value: &dyn Fn(usize) -> i32| {
            for j in panel.clone() {
                bytes.extend(&value(j).to_le_bytes()[..width]);
            }
            bytes.extend(std::iter::repeat_n(0, width * missing));
        };
        header(2, &|j| linear.multipliers[j].into());
        header(4, &|j| linear.biases[j]);
        header(2, &|j| equaliser.map_or(0, |e| e[j].into()));
        header(4, &|j| {
            let zero = if linear.sign == Sign::Unsigned { 128 } else { 0 };
            let column = linear.weights[j..].iter().step_by(linear.outputs);
            zero * column.map(|&w| i32::from(w)).sum::<i32>()
        });
        for row in linear.weights.chunks_exact(linear.outputs) {
            bytes.extend(row[panel.clone()].iter().map(|&w| w as u8));
            bytes.extend(std::iter::repeat_n(0, missing));
        }
    }
}
