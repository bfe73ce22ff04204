//! The batches that are not delivered yet.

use std::collections::{BTreeMap, VecDeque};

use crate::Error;
use crate::batch::Run;

/// The vectors of a batch, one for each sequence.
pub(crate) type Vectors = Vec<Vec<i32>>;

/// A batch that ended: the number that its caller gave it, and its vectors.
pub(crate) type Finished = (u64, Result<Vectors, Error>);

/// Batches by number, which grows from batch to batch.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    running: BTreeMap<u64, Batch>,
    finished: VecDeque<Finished>,
}

/// The vectors of a batch, as far as they are known.
#[derive(Debug)]
struct Batch {
    vectors: Vectors,
    left: usize,
}

impl Batches {
    pub(crate) fn start(&mut self, number: u64, sequences: usize) {
        if sequences == 0 {
            self.finished.push_back((number, Ok(Vec::new())));
        } else {
            self.running.insert(number, Batch { vectors: vec![Vec::new(); sequences], left: sequences });
        }
    }

    /// Whether a batch waits for vectors.
    pub(crate) fn knows(&self, number: u64) -> bool {
        self.running.contains_key(&number)
    }

    /// Forgets a batch.
    pub(crate) fn cancel(&mut self, number: u64) {
        self.running.remove(&number);
        self.finished.retain(|(finished, _)| *finished != number);
    }

    /// Takes the vectors of a run. Those of a batch that was forgotten are dropped.
    pub(crate) fn fill(&mut self, run: &Run, words: &[i32]) {
        let Some(batch) = self.running.get_mut(&run.batch) else { return };
        for (member, vector) in run.members.iter().zip(words.chunks_exact(run.model.hidden)) {
            batch.vectors[*member] = match run.model.rows {
                Some(pooling) => vector.iter().map(|&sum| pooling.row(sum, run.tokens)).collect(),
                None => vector.to_vec(),
            };
        }
        batch.left = batch.left.saturating_sub(run.members.len());
        if batch.left == 0
            && let Some(batch) = self.running.remove(&run.batch)
        {
            self.finished.push_back((run.batch, Ok(batch.vectors)));
        }
    }

    /// Ends a batch, if it is not ended.
    pub(crate) fn fail(&mut self, number: u64, error: Error) {
        if self.running.remove(&number).is_some() {
            self.finished.push_back((number, Err(error)));
        }
    }

    /// Ends all batches, the oldest one first.
    pub(crate) fn fail_all(&mut self, mut error: impl FnMut() -> Error) {
        for number in std::mem::take(&mut self.running).into_keys() {
            self.finished.push_back((number, Err(error())));
        }
    }

    /// The next batch that ended.
    pub(crate) fn take(&mut self) -> Option<Finished> {
        self.finished.pop_front()
    }
}
