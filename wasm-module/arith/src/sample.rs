//! Random models for tests. Every parameter is inside its declared range; the models mean nothing.
//!
//! Tests that compare implementations need models of many shapes, whose intermediate results use
//! their whole range. There are no trained models of all those shapes.

use alloc::vec::Vec;

use crate::activation::{Activation, SEGMENTS, Table, least_offset};
use crate::attention::ScoreScale;
use crate::embedding::Embedding;
use crate::encoder::{Dense, Encoder, Head, Layer, Pooling};
use crate::layer_norm::{Affine, LayerNorm};
use crate::linear::Linear;
use crate::rows::Sign;

/// The shape of a random model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Size of the vocabulary.
    pub vocabulary: usize,
    /// Number of tokens of the longest sequence.
    pub positions: usize,
    /// Number of layers.
    pub layers: usize,
    /// Hidden size.
    pub hidden: usize,
    /// Number of heads.
    pub heads: usize,
    /// Intermediate size.
    pub intermediate: usize,
    /// Outputs of each dense layer behind the pooling; 0 for a layer that is not there.
    pub dense: [usize; 2],
    /// Number of labels of the classification head; 0 for a model without a head.
    pub labels: usize,
    /// Pooling.
    pub pooling: Pooling,
}

impl Shape {
    /// A small shape. Its vocabulary and its intermediate size are no powers of two.
    pub const SMALL: Self = Self {
        vocabulary: 97,
        positions: 64,
        layers: 2,
        hidden: 64,
        heads: 2,
        intermediate: 160,
        dense: [0, 0],
        labels: 0,
        pooling: Pooling::Mean,
    };
}

/// The random generator SplitMix64: equal seeds give equal numbers on every machine.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator with a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next number in `[lo, hi]`.
    pub const fn within(&mut self, lo: i32, hi: i32) -> i32 {
        let span = (hi as i64 - lo as i64 + 1) as u64;
        (lo as i64 + (self.next() % span) as i64) as i32
    }

    fn shorts(&mut self, n: usize, lo: i32, hi: i32) -> Vec<i16> {
        (0..n).map(|_| self.within(lo, hi) as i16).collect()
    }

    fn linear(&mut self, inputs: usize, outputs: usize, out_shift: i32, sign: Sign) -> Linear {
        Linear {
            inputs,
            outputs,
            weights: (0..inputs * outputs).map(|_| self.within(-63, 63) as i8).collect(),
            multipliers: self.shorts(outputs, 8000, 32767),
            biases: (0..outputs).map(|_| self.within(-300, 300)).collect(),
            acc_shift: if sign == Sign::Signed { 2 } else { 4 },
            out_shift,
            sign,
        }
    }

    fn affine(&mut self, hidden: usize) -> Affine {
        Affine { gain: self.shorts(hidden, -32767, 32767), offset: self.shorts(hidden, -200, 200) }
    }

    fn norm(&mut self, hidden: usize, last: bool) -> LayerNorm {
        let residual_shift = self.within(0, 4);
        let stream = self.affine(hidden);
        let equalised = if last { None } else { Some(self.affine(hidden)) };
        LayerNorm { stream, equalised, residual_shift }
    }

    fn table(&mut self, fraction_bits: i32) -> Table {
        let mut coefficients = [[0; SEGMENTS]; 3];
        for c in coefficients.iter_mut().flatten() {
            *c = self.within(-10000, 10000) as i16;
        }
        Table { coefficients, fraction_bits }
    }
}

/// A random model.
#[must_use]
pub fn encoder(shape: &Shape, seed: u64) -> Encoder {
    let mut random = Random::new(seed);
    let Shape { vocabulary, positions, hidden, .. } = *shape;
    let embedding = Embedding {
        hidden,
        words: (0..vocabulary * hidden).map(|_| random.within(-127, 127) as i8).collect(),
        word_scales: random.shorts(vocabulary, 100, 4095),
        positions: random.shorts(positions * hidden, -20000, 20000),
        types: random.shorts(2 * hidden, -20000, 20000),
        table_shift: 3,
    };
    let layers = (0..shape.layers).map(|i| layer(&mut random, shape, i + 1 == shape.layers)).collect();
    let head = (shape.labels > 0).then(|| Head {
        pooler: random.linear(hidden, hidden, 13, Sign::Signed),
        tanh: random.table(12),
        classifier: random.linear(hidden, shape.labels, 10, Sign::Signed),
    });
    let dense = dense(&mut random, shape);
    Encoder {
        heads: shape.heads,
        embedding,
        embedding_norm: LayerNorm { residual_shift: 0, ..random.norm(hidden, false) },
        layers,
        pooling: shape.pooling,
        dense,
        head,
    }
}

/// Dense layers, of which every other one has a `tanh`, beginning with the first.
fn dense(random: &mut Random, shape: &Shape) -> Vec<Dense> {
    let widths = shape.dense.into_iter().filter(|&width| width > 0);
    let inputs = core::iter::once(shape.hidden).chain(widths.clone());
    let layer = |(i, (inputs, outputs)): (usize, (usize, usize))| Dense {
        linear: random.linear(inputs, outputs, 12, Sign::Signed),
        tanh: i.is_multiple_of(2).then(|| random.table(12)),
    };
    inputs.zip(widths).enumerate().map(layer).collect()
}

fn layer(random: &mut Random, shape: &Shape, last: bool) -> Layer {
    let Shape { hidden, intermediate, .. } = *shape;
    let bump = random.table(11);
    let offset = least_offset(&bump);
    Layer {
        projection: random.linear(hidden, 3 * hidden, 13, Sign::Signed),
        score: ScoreScale { multiplier: random.within(16384, 32767) as i16, shift: random.within(38, 46) },
        output: random.linear(hidden, hidden, 11, Sign::Signed),
        attention_norm: random.norm(hidden, false),
        expand: random.linear(hidden, intermediate, 13, Sign::Signed),
        activation: Activation { bump, offset, equaliser: random.shorts(intermediate, 8000, 32767) },
        contract: random.linear(intermediate, hidden, 11, Sign::Unsigned),
        output_norm: random.norm(hidden, last),
    }
}

/// A random sequence for a model.
#[must_use]
pub fn sequence(model: &Encoder, tokens: usize, random: &mut Random) -> (Vec<u32>, Vec<u8>) {
    let vocabulary = model.embedding.vocabulary() as i32;
    let split = random.within(0, tokens as i32) as usize;
    let ids = (0..tokens).map(|_| random.within(0, vocabulary - 1) as u32).collect();
    let types = (0..tokens).map(|i| u8::from(i >= split)).collect();
    (ids, types)
}
