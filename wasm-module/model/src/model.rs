//! An open model.

use std::sync::Arc;

use lockstep_arith::encoder::{InputError, InputLimits, Sequence};
use lockstep_folder::runtime::{self, Buffer, PackedEncoder};
use tract_core::prelude::*;

use crate::chunks::token_chunks;
use crate::error::ModelError;
use crate::fused::KernelCell;
use crate::graph::graph;

/// The most tokens that the graph runs on at once. It bounds the memory of a call, whatever the
/// size of the batch.
const CHUNK_TOKENS: usize = 2048;

/// A quantised encoder. It is planned once, for sequences and batches of any size.
#[derive(Debug)]
pub struct Model {
    plan: Arc<TypedRunnableModel>,
    sizes: Sizes,
    kernel: KernelCell,
}

/// The sizes of a model that its users ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sizes {
    limits: InputLimits,
    hidden: usize,
    outputs: usize,
    has_head: bool,
}

impl Sizes {
    fn of(encoder: &PackedEncoder) -> Self {
        let (hidden, head) = (encoder.hidden(), encoder.head.as_ref());
        let last = head.map(|head| &head.classifier);
        let last = last.or_else(|| encoder.dense.last().map(|dense| &dense.linear));
        Self {
            limits: encoder.input_limits(),
            hidden,
            outputs: last.map_or(hidden, |linear| linear.weights.outputs()),
            has_head: head.is_some(),
        }
    }
}

impl Model {
    /// Opens the bytes of a `model.lockstep`. They are checked once, and shared from then on.
    ///
    /// # Errors
    /// Names the section that is wrong, or the parameter that is outside its declared range.
    pub fn open(file: impl Into<Buffer>) -> Result<Self, ModelError> {
        let encoder = runtime::read(file.into())?;
        let sizes = Sizes::of(&encoder);
        let kernel = KernelCell::default();
        let plan = graph(encoder, &kernel)?.into_runnable()?;
        Ok(Self { plan, sizes, kernel })
    }

    /// One result for each sequence: the pooled integers `[hidden]`, the vector of the last dense
    /// layer, or the logits of a model with a head. No result depends on the other sequences.
    ///
    /// # Errors
    /// [`ModelError::Input`] names the first sequence that the model does not accept. Then nothing
    /// is evaluated.
    pub fn run(&self, batch: &[Sequence<'_>]) -> Result<Vec<Vec<i32>>, ModelError> {
        for (index, sequence) in batch.iter().enumerate() {
            self.check_input(sequence).map_err(|source| ModelError::Input { index, source })?;
        }
        let mut results = Vec::with_capacity(batch.len());
        // A single sequence always fits: a model has at most 512 positions.
        for chunk in token_chunks(batch, CHUNK_TOKENS, |sequence| sequence.ids.len()) {
            self.run_chunk(chunk, &mut results)?;
        }
        Ok(results)
    }

    /// Checks one sequence.
    ///
    /// # Errors
    /// Names the problem of the sequence.
    pub fn check_input(&self, sequence: &Sequence<'_>) -> Result<(), InputError> {
        self.sizes.limits.check(*sequence)
    }

    fn run_chunk(&self, batch: &[Sequence<'_>], results: &mut Vec<Vec<i32>>) -> Result<(), ModelError> {
        let ids: Vec<i64> = batch.iter().flat_map(|s| s.ids).map(|&id| id.into()).collect();
        let types: Vec<i64> = batch.iter().flat_map(|s| s.type_ids).map(|&id| id.into()).collect();
        let starts: Vec<i64> = batch
            .iter()
            .scan(0, |next, sequence| {
                let start = *next;
                *next += sequence.ids.len() as i64;
                Some(start)
            })
            .collect();
        let inputs = [ids, types, starts].map(|values| tensor1(&values).into_tvalue());
        let outputs = self.plan.run(inputs.into_iter().collect())?;
        let output: &[i32] = outputs[0].try_as_plain_ram()?.as_slice()?;
        results.extend(output.chunks_exact(self.sizes.outputs).map(<[i32]>::to_vec));
        Ok(())
    }

    /// Hidden size: the length of a token's vector.
    #[must_use]
    pub const fn hidden(&self) -> usize {
        self.sizes.hidden
    }

    /// Size of the vocabulary.
    #[must_use]
    pub const fn vocabulary(&self) -> usize {
        self.sizes.limits.vocabulary
    }

    /// Number of positions: the longest sequence.
    #[must_use]
    pub const fn positions(&self) -> usize {
        self.sizes.limits.positions
    }

    /// Number of token types.
    #[must_use]
    pub const fn types(&self) -> usize {
        self.sizes.limits.types
    }

    /// Length of a result: the hidden size, the outputs of the last dense layer, or the number of
    /// labels.
    #[must_use]
    pub const fn outputs(&self) -> usize {
        self.sizes.outputs
    }

    /// Whether the results are the logits of a classification head.
    #[must_use]
    pub const fn has_head(&self) -> bool {
        self.sizes.has_head
    }

    /// The instruction set that evaluates the model, for example `wasm-relaxed`. It is chosen when
    /// it is first asked for or needed, not when the model is opened.
    #[must_use]
    pub fn kernel_name(&self) -> &'static str {
        self.kernel.get().name()
    }
}
