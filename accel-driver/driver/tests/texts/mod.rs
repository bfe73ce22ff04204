//! Small models, and random texts with the vectors that the fake card must give for them.
#![allow(unreachable_pub, dead_code)]

use lockstep_accel_driver::Sequence;
use lockstep_arith::encoder::Encoder;
use lockstep_arith::sample::{self, Random, Shape};

/// A model with one layer. Models of different seeds give different vectors.
pub fn model(seed: u64) -> Encoder {
    sample::encoder(&Shape { layers: 1, ..Shape::SMALL }, seed)
}

/// Random token ids and token types.
#[derive(Clone)]
pub struct Texts(pub Vec<(Vec<u32>, Vec<u8>)>);

impl Texts {
    /// One sequence for each length.
    pub fn new(model: &Encoder, lengths: impl IntoIterator<Item = usize>, seed: u64) -> Self {
        let mut random = Random::new(seed);
        Self(lengths.into_iter().map(|n| sample::sequence(model, n, &mut random)).collect())
    }

    pub fn batch(&self) -> Vec<Sequence<'_>> {
        self.0.iter().map(|(ids, type_ids)| Sequence { ids, type_ids }).collect()
    }

    /// What the fake card must give.
    pub fn vectors(&self, one: impl Fn(&[u32], &[u8]) -> Vec<i32>) -> Vec<Vec<i32>> {
        self.0.iter().map(|(ids, type_ids)| one(ids, type_ids)).collect()
    }
}
