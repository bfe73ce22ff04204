//! Builds the graph of a model for tract.

use std::sync::Arc;

use lockstep_arith::attention::ScoreScale;
use lockstep_arith::encoder::Pooling;
use lockstep_arith::layer_norm::LayerNorm;
use lockstep_folder::runtime::{PackedDense, PackedEncoder, PackedHead, PackedLayer};
use lockstep_kernels::{Attention, PackedLinear};
use tract_core::internal::*;

use crate::fused::{Fused, KernelCell, Step};
use crate::steps::{
    AttentionStep, EmbedStep, LinearActivationStep, LinearNormStep, LinearStep, LinearTanhStep,
};
use crate::vectors::{PoolStep, RowStep, WidenStep};

/// The graph of `FORMAT.md`, with the inputs `input_ids`, `token_type_ids` and `starts` and one
/// output.
pub(crate) fn graph(encoder: PackedEncoder, kernel: &KernelCell) -> TractResult<TypedModel> {
    let PackedEncoder { heads, embedding, embedding_norm, layers, pooling, dense, head } = encoder;
    let hidden = embedding.hidden;
    let mut model = TypedModel::default();
    let (tokens, batch) = (model.symbols.sym("N").to_dim(), model.symbols.sym("B").to_dim());
    let mut source = |name: &str, extent: &TDim| model.add_source(name, i64::fact([extent.clone()]));
    let ids = source("input_ids", &tokens)?;
    let types = source("token_type_ids", &tokens)?;
    let starts = source("starts", &batch)?;
    let mut graph = Graph { model, kernel, hidden, heads, starts };

    let embed = Arc::new(EmbedStep { embedding, norm: embedding_norm });
    let mut streams = graph.node("embedding", "Embed", embed, &[ids, types, starts])?;
    for (index, layer) in layers.into_iter().enumerate() {
        streams = graph.layer(&format!("layer.{index}"), layer, &streams)?;
    }
    let output = graph.ending(pooling, dense, head, streams[0])?;
    let mut model = graph.model;
    model.select_output_outlets(&output)?;
    Ok(model)
}

struct Graph<'a> {
    model: TypedModel,
    kernel: &'a KernelCell,
    hidden: usize,
    heads: usize,
    starts: OutletId,
}

impl Graph<'_> {
    fn node(
        &mut self,
        name: &str,
        operator: &'static str,
        step: Arc<dyn Step>,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        self.model.wire_node(name, Fused { name: operator, step, kernel: self.kernel.clone() }, inputs)
    }

    /// Adds one layer. Gives the residual stream and, in all layers but the last, its equalised
    /// form.
    fn layer(&mut self, name: &str, layer: PackedLayer, streams: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let PackedLayer {
            projection,
            score,
            output,
            attention_norm,
            expand,
            activation,
            contract,
            output_norm,
        } = layer;
        let name = |part: &str| format!("{name}.{part}");
        let projection = Arc::new(LinearStep { linear: projection, narrow: true });
        let projected = self.node(&name("projection"), "Linear16", projection, &streams[1..2])?;
        let context = self.attention(&name("attention"), score, projected[0])?;
        let middle = self.linear_norm(&name("output"), output, attention_norm, &[context, streams[0]])?;
        let expand = Arc::new(LinearActivationStep { linear: expand, activation });
        let activated = self.node(&name("expand"), "LinearActivation", expand, &middle[1..2])?;
        self.linear_norm(&name("contract"), contract, output_norm, &[activated[0], middle[0]])
    }

    fn attention(&mut self, name: &str, score: ScoreScale, projected: OutletId) -> TractResult<OutletId> {
        let attention = Attention { hidden: self.hidden, heads: self.heads, score };
        let step = Arc::new(AttentionStep(attention));
        Ok(self.node(name, "Attention", step, &[projected, self.starts])?[0])
    }

    fn linear_norm(
        &mut self,
        name: &str,
        linear: PackedLinear,
        norm: LayerNorm,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        let operator = if norm.equalised.is_some() { "LinearNorm" } else { "LinearNormLast" };
        self.node(name, operator, Arc::new(LinearNormStep { linear, norm }), inputs)
    }

    /// Adds the pooling and the dense layers, or the head if the model has one.
    fn ending(
        &mut self,
        pooling: Pooling,
        dense: Vec<PackedDense>,
        head: Option<PackedHead>,
        stream: OutletId,
    ) -> TractResult<TVec<OutletId>> {
        let (width, inputs) = (self.hidden, [stream, self.starts]);
        if let Some(head) = head {
            let row = self.row(Pooling::Cls, &inputs)?;
            return self.head(head, &row);
        }
        if dense.is_empty() && matches!(pooling, Pooling::Mean | Pooling::Cls) {
            let operator = if pooling == Pooling::Mean { "PoolMean" } else { "PoolFirst" };
            return self.node("pool", operator, Arc::new(PoolStep { width, pooling }), &inputs);
        }
        let mut row = self.row(pooling, &inputs)?;
        let mut width = width;
        for (i, PackedDense { linear, tanh }) in dense.into_iter().enumerate() {
            width = linear.weights.outputs();
            let (operator, step): (_, Arc<dyn Step>) = match tanh {
                Some(tanh) => ("LinearTanh", Arc::new(LinearTanhStep { linear, tanh })),
                None => ("Linear16", Arc::new(LinearStep { linear, narrow: true })),
            };
            row = self.node(&format!("dense.{i}"), operator, step, &row)?;
        }
        self.node("vector", "Widen", Arc::new(WidenStep { width }), &row)
    }

    /// Adds the node of (35).
    fn row(&mut self, pooling: Pooling, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let operator = match pooling {
            Pooling::Mean => "MeanRow",
            Pooling::Cls => "FirstRow",
            Pooling::Max => "MaxRow",
            Pooling::WeightedMean => "WeightedRow",
        };
        self.node("pool", operator, Arc::new(RowStep { width: self.hidden, pooling }), inputs)
    }

    fn head(&mut self, head: PackedHead, row: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let PackedHead { pooler, tanh, classifier } = head;
        let pooler = Arc::new(LinearTanhStep { linear: pooler, tanh });
        let pooled = self.node("head.pooler", "LinearTanh", pooler, row)?;
        let classifier = Arc::new(LinearStep { linear: classifier, narrow: false });
        self.node("head.classifier", "Linear", classifier, &pooled)
    }
}
