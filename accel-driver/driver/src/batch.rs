//! Batches: sequences of any length, grouped for the card.

use std::collections::BTreeMap;

use lockstep_accel_abi::descriptor;
use lockstep_arith::encoder::{InputLimits, Pooling, Sequence};

use crate::Error;
use crate::model_id::ModelId;

/// The room for vectors is filled with this number before a job. No vector holds it: a pooled
/// number (33) is a sum of at most 512 numbers of 16 bits.
pub(crate) const UNWRITTEN: i32 = i32::MIN;

/// What a caller knows about a model, so that it can check and group sequences on its own thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ModelFacts {
    pub(crate) id: ModelId,
    pub(crate) hidden: usize,
    pub(crate) limits: InputLimits,
    /// The pooling of a model with dense layers: its vectors become the rows (35).
    pub(crate) rows: Option<Pooling>,
}

/// Sequences of one length, which share a program.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) batch: u64,
    pub(crate) model: ModelFacts,
    pub(crate) tokens: usize,
    /// Indices of the sequences in the batch.
    pub(crate) members: Vec<usize>,
    /// The inputs of all members, `4 * tokens` bytes each.
    pub(crate) inputs: Vec<u8>,
    /// How often the run was tried.
    pub(crate) tries: u32,
}

impl Run {
    /// Takes the first `n` sequences out. `None` if that would leave none: then the run itself is
    /// wanted.
    pub(crate) fn split(&mut self, n: usize) -> Option<Self> {
        if n >= self.members.len() {
            return None;
        }
        let (rest, later) = (self.members.split_off(n), self.inputs.split_off(4 * self.tokens * n));
        let members = std::mem::replace(&mut self.members, rest);
        let inputs = std::mem::replace(&mut self.inputs, later);
        Some(Self { members, inputs, ..*self })
    }

    /// How many numbers all vectors have.
    pub(crate) const fn numbers(&self) -> usize {
        self.model.hidden * self.members.len()
    }
}

/// A batch that was checked.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) sequences: usize,
    pub(crate) runs: Vec<Run>,
}

impl Request {
    /// Checks a batch and groups it by length. `batch` is the caller's number for it.
    ///
    /// # Errors
    /// The model does not take a sequence.
    pub(crate) fn new(batch: u64, model: ModelFacts, sequences: &[Sequence<'_>]) -> Result<Self, Error> {
        let mut runs: BTreeMap<usize, Run> = BTreeMap::new();
        for (i, sequence) in sequences.iter().enumerate() {
            model.limits.check(*sequence).map_err(|why| Error::Sequence { sequence: i, why })?;
            let tokens = sequence.ids.len();
            let empty = || Run { batch, model, tokens, members: Vec::new(), inputs: Vec::new(), tries: 0 };
            let run = runs.entry(tokens).or_insert_with(empty);
            run.members.push(i);
            run.inputs.extend(descriptor::inputs(sequence.ids, sequence.type_ids));
        }
        Ok(Self { sequences: sequences.len(), runs: runs.into_values().collect() })
    }
}
