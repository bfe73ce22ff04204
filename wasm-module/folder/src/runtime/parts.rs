//! The parts of a model, as the operators take them.

use lockstep_arith::activation::{Activation, Table};
use lockstep_arith::attention::ScoreScale;
use lockstep_arith::encoder::Pooling;
use lockstep_arith::layer_norm::LayerNorm;
use lockstep_kernels::{PackedLinear, Shared};

/// The tables of the embedding (32), `D` wide.
#[derive(Clone, Debug)]
pub struct Tables {
    /// `D`.
    pub hidden: usize,
    /// Shape `[vocabulary, D]`, each in [-127, 127].
    pub words: Shared<i8>,
    /// Shape `[vocabulary]`, each in [0, 4095].
    pub word_scales: Shared<i16>,
    /// Shape `[positions, D]`.
    pub positions: Shared<i16>,
    /// Shape `[types, D]`.
    pub types: Shared<i16>,
    /// Shift of the position and type rows.
    pub table_shift: i32,
}

/// One transformer layer.
#[derive(Clone, Debug)]
pub struct LayerParts {
    /// Queries, keys and values at once: `[D, 3 D]`.
    pub projection: PackedLinear,
    /// Scale of the attention scores.
    pub score: ScoreScale,
    /// The attention's output layer: `[D, D]`.
    pub output: PackedLinear,
    /// LayerNorm after the attention.
    pub attention_norm: LayerNorm,
    /// First feed-forward layer: `[D, intermediate]`.
    pub expand: PackedLinear,
    /// Activation between the two.
    pub activation: Activation,
    /// Second feed-forward layer: `[intermediate, D]`, unsigned rows.
    pub contract: PackedLinear,
    /// LayerNorm after the feed-forward layers; the last layer's has one output.
    pub output_norm: LayerNorm,
}

/// Pooler and classifier: (34).
#[derive(Clone, Debug)]
pub struct HeadParts {
    /// `[D, D]`.
    pub pooler: PackedLinear,
    /// `tanh`, Q15.
    pub tanh: Table,
    /// `[D, labels]`.
    pub classifier: PackedLinear,
}

/// All of a model. Every parameter lies in the range that `SPEC.md` declares.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Number of attention heads.
    pub heads: usize,
    /// Embedding tables.
    pub tables: Tables,
    /// LayerNorm of the embedding sum.
    pub embedding_norm: LayerNorm,
    /// The layers, first to last; at least one.
    pub layers: Vec<LayerParts>,
    /// Pooling, where there is no head.
    pub pooling: Pooling,
    /// Classification head, where there is one.
    pub head: Option<HeadParts>,
}
