//! A model that is open.

use std::sync::Arc;

use lockstep_arith::encoder::{InputError, InputLimits};
use lockstep_kernels::Kernel;
use prost::Message;
use tract_onnx::Onnx;
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;

use crate::error::ModelError;
use crate::format::{Outline, examine};
use crate::fused::register;

/// Tokens that are evaluated together: bounds the memory of a run, whatever the batch.
const RUN_TOKENS: usize = 2048;

/// One sequence of a batch, special tokens included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence<'a> {
    /// Token ids.
    pub ids: &'a [u32],
    /// As many token types.
    pub type_ids: &'a [u8],
}

/// A quantised encoder, planned once for sequences and batches of any size.
#[derive(Debug)]
pub struct Model {
    plan: Arc<TypedRunnableModel>,
    outline: Outline,
}

impl Model {
    /// Opens the bytes of a `model.onnx`.
    ///
    /// # Errors
    /// Names what is wrong with the file: its graph, a parameter outside its declared range.
    pub fn open(onnx: &[u8]) -> Result<Self, ModelError> {
        Self::plan(ModelProto::decode(onnx)?)
    }

    /// [`Self::open`] of bytes that may be given away: peak memory is lower by their size.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_owned(onnx: Vec<u8>) -> Result<Self, ModelError> {
        Self::plan(ModelProto::decode(prost::bytes::Bytes::from(onnx))?)
    }

    fn plan(mut file: ModelProto) -> Result<Self, ModelError> {
        let outline = examine(&file)?;
        // The bodies of the operators are for other runtimes, and so are the declared shapes.
        file.functions.clear();
        if let Some(graph) = &mut file.graph {
            graph.value_info.clear();
        }
        // No operator but ours: a linker may leave out the rest of ONNX.
        let mut onnx = Onnx::default();
        register(&mut onnx);
        let mut parsed = onnx.parse(&file, None)?.model;
        drop(file);
        let (tokens, batch) = (parsed.symbols.sym("N").to_dim(), parsed.symbols.sym("B").to_dim());
        for (input, extent) in [("input_ids", &tokens), ("token_type_ids", &tokens), ("starts", &batch)] {
            let node = parsed.node_id_by_name(input)?;
            parsed.set_outlet_fact(node.into(), i64::fact([extent.clone()]).into())?;
        }
        let mut typed = parsed.into_typed()?;
        // Drops the nodes of the initializers, which the operators have packed.
        typed.compact()?;
        Ok(Self { plan: typed.into_runnable()?, outline })
    }

    /// One result a sequence: the pooled integers `[hidden]`, or the logits of a model with a head. No result
    /// depends on the other sequences.
    ///
    /// # Errors
    /// [`ModelError::Input`] for the first sequence that the model does not take; nothing is evaluated then.
    pub fn run(&self, batch: &[Sequence<'_>]) -> Result<Vec<Vec<i32>>, ModelError> {
        for (index, sequence) in batch.iter().enumerate() {
            self.check_input(sequence).map_err(|source| ModelError::Input { index, source })?;
        }
        let mut results = Vec::with_capacity(batch.len());
        let mut rest = batch;
        while !rest.is_empty() {
            let mut tokens = 0;
            let fits = rest.iter().take_while(|sequence| {
                tokens += sequence.ids.len();
                tokens <= RUN_TOKENS
            });
            // One sequence always fits: there are at most 512 positions.
            let (now, later) = rest.split_at(fits.count().max(1));
            self.run_together(now, &mut results)?;
            rest = later;
        }
        Ok(results)
    }

    /// Checks one sequence.
    ///
    /// # Errors
    /// Names what is wrong with it.
    pub fn check_input(&self, sequence: &Sequence<'_>) -> Result<(), InputError> {
        let Outline { positions, vocabulary, types, .. } = self.outline;
        InputLimits { positions, vocabulary, types }.check(sequence.ids, sequence.type_ids)
    }

    fn run_together(&self, batch: &[Sequence<'_>], results: &mut Vec<Vec<i32>>) -> Result<(), ModelError> {
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
        // The inputs of the plan are in the order of the file, which is free.
        let inputs = self.plan.model().input_outlets()?.iter().map(|outlet| {
            let values = match self.plan.model().node(outlet.node).name.as_str() {
                "input_ids" => &ids,
                "token_type_ids" => &types,
                _ => &starts,
            };
            tensor1(values).into_tvalue()
        });
        let outputs = self.plan.run(inputs.collect())?;
        let output: &[i32] = outputs[0].try_as_plain_ram()?.as_slice()?;
        results.extend(output.chunks_exact(self.outline.outputs).map(<[i32]>::to_vec));
        Ok(())
    }

    /// Hidden size: the length of a pooled result.
    #[must_use]
    pub const fn hidden(&self) -> usize {
        self.outline.hidden
    }

    /// Size of the vocabulary.
    #[must_use]
    pub const fn vocabulary(&self) -> usize {
        self.outline.vocabulary
    }

    /// Number of positions: the longest sequence.
    #[must_use]
    pub const fn positions(&self) -> usize {
        self.outline.positions
    }

    /// Number of token types.
    #[must_use]
    pub const fn types(&self) -> usize {
        self.outline.types
    }

    /// Length of a result: the hidden size, or the number of labels.
    #[must_use]
    pub const fn outputs(&self) -> usize {
        self.outline.outputs
    }

    /// Whether the results are the logits of a classification head.
    #[must_use]
    pub const fn has_head(&self) -> bool {
        self.outline.has_head
    }

    /// The instruction set that evaluates the model, for example `wasm-relaxed`.
    #[must_use]
    pub fn kernel_name(&self) -> &'static str {
        Kernel::new().name()
    }
}
