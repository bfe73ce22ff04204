//! A small model, and random texts with the vectors that a card must give for them.

use lockstep_accel_driver::Sequence;
use lockstep_arith::encoder::{Encoder, Pooling};
use lockstep_arith::sample::{self, Random, Shape};

use crate::bench::{Bench, Result};

/// A random model with one layer. Models of different seeds give different vectors.
#[must_use]
pub fn model(seed: u64) -> Encoder {
    sample::encoder(&Shape { layers: 1, pooling: Pooling::Mean, ..Shape::SMALL }, seed)
}

/// A random model with one layer and a classification head of three labels.
#[must_use]
pub fn classifier(seed: u64) -> Encoder {
    // The pooling of a model with a head means nothing.
    sample::encoder(&Shape { layers: 1, labels: 3, pooling: Pooling::Mean, ..Shape::SMALL }, seed)
}

/// A random model with one layer, mean pooling and two dense layers behind it.
#[must_use]
pub fn with_dense(seed: u64) -> Encoder {
    sample::encoder(&Shape { layers: 1, dense: [96, 40], pooling: Pooling::Mean, ..Shape::SMALL }, seed)
}

/// Random token ids and token types.
#[derive(Clone, Debug)]
pub struct Texts(Vec<(Vec<u32>, Vec<u8>)>);

impl Texts {
    /// One sequence for each length.
    #[must_use]
    pub fn new(model: &Encoder, lengths: &[usize], seed: u64) -> Self {
        let mut random = Random::new(seed);
        Self(lengths.iter().map(|&n| sample::sequence(model, n, &mut random)).collect())
    }

    /// The texts as a batch of an encoder.
    #[must_use]
    pub fn batch(&self) -> Vec<Sequence<'_>> {
        self.0.iter().map(|(ids, type_ids)| Sequence { ids, type_ids }).collect()
    }

    /// The reference's vectors.
    ///
    /// # Errors
    /// The model does not take a sequence.
    pub fn reference(&self, model: &Encoder) -> Result<Vec<Vec<i32>>> {
        self.0.iter().map(|(ids, type_ids)| Ok(model.forward(ids, type_ids)?)).collect()
    }

    /// The vectors that the card of a bench must give.
    ///
    /// # Errors
    /// The model does not take a sequence.
    pub fn expected(&self, bench: &impl Bench, model: &Encoder) -> Result<Vec<Vec<i32>>> {
        self.0.iter().map(|(ids, type_ids)| bench.vector(model, ids, type_ids)).collect()
    }
}
