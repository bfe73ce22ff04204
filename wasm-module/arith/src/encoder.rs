//! The whole encoder: from token ids to the integers of a vector, or to logits.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

use crate::activation::Activation;
use crate::attention::{ScoreScale, attend};
use crate::embedding::Embedding;
use crate::layer_norm::LayerNorm;
use crate::linear::Linear;
use crate::range::{RangeError, check};
use crate::rows::Sign;

pub use crate::vector::{DENSE_MAX, Dense, Head, Pooling};

/// One transformer layer. `L` is a linear layer: the plain [`Linear`] here, packed weights in
/// `lockstep-folder`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer<L = Linear> {
    /// Queries, keys and values at once: `[D, 3 D]`.
    pub projection: L,
    /// Scale of the attention scores.
    pub score: ScoreScale,
    /// The attention's output layer: `[D, D]`.
    pub output: L,
    /// LayerNorm after the attention.
    pub attention_norm: LayerNorm,
    /// First feed-forward layer: `[D, intermediate]`.
    pub expand: L,
    /// Activation between the two feed-forward layers.
    pub activation: Activation,
    /// Second feed-forward layer: `[intermediate, D]`, unsigned rows.
    pub contract: L,
    /// LayerNorm after the feed-forward layers.
    pub output_norm: LayerNorm,
}

/// A quantised encoder. `L` is a linear layer, `E` the embedding tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoder<L = Linear, E = Embedding> {
    /// Number of attention heads.
    pub heads: usize,
    /// Embedding tables.
    pub embedding: E,
    /// LayerNorm of the embedding sum.
    pub embedding_norm: LayerNorm,
    /// The layers, first to last.
    pub layers: Vec<Layer<L>>,
    /// Pooling of a model without a head.
    pub pooling: Pooling,
    /// Dense layers behind the pooling, first to last; none in a model with a head.
    pub dense: Vec<Dense<L>>,
    /// Classification head, if the model has one.
    pub head: Option<Head<L>>,
}

/// One sequence of tokens, special tokens included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence<'a> {
    /// Token ids.
    pub ids: &'a [u32],
    /// The token type of each token.
    pub type_ids: &'a [u8],
}

/// The limits of the sequences that an encoder takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputLimits {
    /// Number of tokens of the longest sequence.
    pub positions: usize,
    /// Size of the vocabulary.
    pub vocabulary: usize,
    /// Number of token types.
    pub types: usize,
}

impl InputLimits {
    /// Checks a sequence.
    ///
    /// # Errors
    /// [`InputError`] with the first fault of the sequence.
    pub fn check(&self, Sequence { ids, type_ids }: Sequence<'_>) -> Result<(), InputError> {
        let Self { positions: limit, vocabulary, types } = *self;
        if ids.is_empty() || ids.len() > limit {
            return Err(InputError::Length { tokens: ids.len(), limit });
        }
        if ids.len() != type_ids.len() {
            return Err(InputError::TypeCount { tokens: ids.len(), types: type_ids.len() });
        }
        if let Some(&id) = ids.iter().find(|&&id| id as usize >= vocabulary) {
            return Err(InputError::Token { id, vocabulary });
        }
        match type_ids.iter().find(|&&id| usize::from(id) >= types) {
            Some(&id) => Err(InputError::Type { id, types }),
            None => Ok(()),
        }
    }
}

/// A sequence that the encoder does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputError {
    /// The number of tokens is 0 or above the number of positions.
    Length {
        /// Number of tokens given.
        tokens: usize,
        /// Number of tokens of the longest sequence.
        limit: usize,
    },
    /// A token id is outside the vocabulary.
    Token {
        /// The id.
        id: u32,
        /// Size of the vocabulary.
        vocabulary: usize,
    },
    /// The model does not have a token type.
    Type {
        /// The type id.
        id: u8,
        /// Number of types.
        types: usize,
    },
    /// The number of type ids is not the number of token ids.
    TypeCount {
        /// Number of tokens.
        tokens: usize,
        /// Number of type ids.
        types: usize,
    },
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { tokens, limit } => {
                write!(f, "a sequence of {tokens} tokens, allowed: 1 to {limit}")
            }
            Self::Token { id, vocabulary } => write!(f, "token id {id}, the vocabulary has {vocabulary}"),
            Self::Type { id, types } => write!(f, "token type {id}, the model has {types}"),
            Self::TypeCount { tokens, types } => write!(f, "{types} type ids for {tokens} tokens"),
        }
    }
}

impl core::error::Error for InputError {}

impl<L, W, S: Deref<Target = [i16]>> Encoder<L, Embedding<W, S>> {
    /// Hidden size `D`.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.embedding.hidden
    }

    /// The limits of the sequences that this encoder takes.
    #[must_use]
    pub fn input_limits(&self) -> InputLimits {
        InputLimits {
            positions: self.embedding.position_count(),
            vocabulary: self.embedding.vocabulary(),
            types: self.embedding.type_count(),
        }
    }
}

impl Encoder {
    /// Checks every shape and range of section 2.
    ///
    /// # Errors
    /// [`RangeError`] with the first parameter that is out of range.
    pub fn validate(&self) -> Result<(), RangeError> {
        let d = self.hidden();
        check("encoder", "hidden size", d as i64, 32, 1024)?;
        check("encoder", "hidden size modulo 2", (d % 2) as i64, 0, 0)?;
        check("encoder", "heads", self.heads as i64, 1, d as i64)?;
        check("encoder", "hidden size modulo heads", (d % self.heads) as i64, 0, 0)?;
        check("encoder", "head width", (d / self.heads) as i64, 1, 128)?;
        self.embedding.validate()?;
        check("encoder", "number of layers", self.layers.len() as i64, 1, 64)?;
        self.embedding_norm.validate("embedding LayerNorm", d, true)?;
        check("embedding LayerNorm", "residual_shift", self.embedding_norm.residual_shift.into(), 0, 0)?;
        for (i, layer) in self.layers.iter().enumerate() {
            layer.validate(i, d, i + 1 == self.layers.len())?;
        }
        let most = if self.head.is_some() { 0 } else { DENSE_MAX };
        check("encoder", "number of dense layers", self.dense.len() as i64, 0, most as i64)?;
        let mut width = d;
        for (i, dense) in self.dense.iter().enumerate() {
            dense.validate(&alloc::format!("dense {i}"), width)?;
            width = dense.linear.outputs;
        }
        self.head.as_ref().map_or(Ok(()), |head| head.validate(d))
    }

    /// Checks a sequence.
    ///
    /// # Errors
    /// [`InputError`] with the first fault of the sequence.
    pub fn check_input(&self, ids: &[u32], type_ids: &[u8]) -> Result<(), InputError> {
        self.input_limits().check(Sequence { ids, type_ids })
    }

    /// Encodes one sequence: returns the pooled integers `[D]`, the vector of the last dense layer,
    /// or the logits `[labels]` of a model with a head.
    ///
    /// # Errors
    /// [`InputError`] if the sequence is empty or too long, or if it has an unknown token or token
    /// type.
    pub fn forward(&self, ids: &[u32], type_ids: &[u8]) -> Result<Vec<i32>, InputError> {
        Ok(self.result(&self.token_vectors(ids, type_ids)?))
    }

    /// Section 8, from the stream of the last layer, `[n, D]`, to the result of [`Self::forward`].
    #[must_use]
    pub fn result(&self, stream: &[i16]) -> Vec<i32> {
        let d = self.hidden();
        if let Some(head) = &self.head {
            return head.forward(&stream[..d]);
        }
        let pooled = self.pooling.pool(stream, d);
        if self.dense.is_empty() {
            return pooled;
        }
        let row = pooled.into_iter().map(|sum| self.pooling.row(sum, stream.len() / d) as i16).collect();
        let vector: Vec<i16> = self.dense.iter().fold(row, |row, dense| dense.forward(&row));
        vector.into_iter().map(i32::from).collect()
    }

    /// Encodes one sequence up to the stream of the last layer, `[n, D]`.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn token_vectors(&self, ids: &[u32], type_ids: &[u8]) -> Result<Vec<i16>, InputError> {
        self.observe(ids, type_ids, |_, _| {})
    }

    /// [`Self::token_vectors`] that calls `see` with every stream `[n, D]`: index 0 is the stream
    /// of the embedding, index `i + 1` the stream of layer `i`.
    ///
    /// # Errors
    /// As [`Self::forward`].
    pub fn observe(
        &self,
        ids: &[u32],
        type_ids: &[u8],
        mut see: impl FnMut(usize, &[i16]),
    ) -> Result<Vec<i16>, InputError> {
        self.check_input(ids, type_ids)?;
        let d = self.hidden();
        let mut stream = Vec::with_capacity(ids.len() * d);
        let mut equalised = Vec::with_capacity(ids.len() * d);
        for (position, (&id, &type_id)) in ids.iter().zip(type_ids).enumerate() {
            let sums = self.embedding.sums(id as usize, type_id.into(), position);
            push_norm(&self.embedding_norm, &sums, &mut stream, &mut equalised);
        }
        see(0, &stream);
        for (i, layer) in self.layers.iter().enumerate() {
            layer.forward(self.heads, d, &mut stream, &mut equalised);
            see(i + 1, &stream);
        }
        Ok(stream)
    }
}

impl Layer {
    fn validate(&self, index: usize, d: usize, last: bool) -> Result<(), RangeError> {
        let name = |part: &str| alloc::format!("layer {index} {part}");
        let width = self.expand.outputs;
        check(&name("feed-forward"), "intermediate size", width as i64, 32, 4096)?;
        check(&name("feed-forward"), "intermediate size modulo 2", (width % 2) as i64, 0, 0)?;
        self.projection.expect(&name("projection"), (d, 3 * d), Sign::Signed)?;
        self.score.validate(&name("attention"))?;
        self.output.expect(&name("attention output"), (d, d), Sign::Signed)?;
        self.attention_norm.validate(&name("attention LayerNorm"), d, true)?;
        self.expand.expect(&name("feed-forward 1"), (d, width), Sign::Signed)?;
        self.activation.validate(&name("activation"), width)?;
        self.contract.expect(&name("feed-forward 2"), (width, d), Sign::Unsigned)?;
        self.output_norm.validate(&name("output LayerNorm"), d, !last)
    }

    /// Evaluates one layer of one sequence. Replaces both streams, `[n, D]`.
    fn forward(&self, heads: usize, d: usize, stream: &mut Vec<i16>, equalised: &mut Vec<i16>) {
        let projected: Vec<i16> =
            equalised.chunks_exact(d).flat_map(|x| self.projection.forward16(x)).collect();
        let mut context = vec![0; stream.len()];
        let width = d / heads;
        for head in 0..heads {
            attend(&projected, d, head * width, width, self.score, &mut context);
        }
        add_and_norm(
            &self.attention_norm,
            stream,
            equalised,
            context.chunks_exact(d).map(|x| self.output.forward(x)),
        );

        let expanded: Vec<Vec<i16>> =
            equalised.chunks_exact(d).map(|x| self.activation.forward(&self.expand.forward16(x))).collect();
        add_and_norm(&self.output_norm, stream, equalised, expanded.iter().map(|x| self.contract.forward(x)));
    }
}

/// (12) to (18): adds `updates`, one row for each token, to the stream, and normalises the sums.
fn add_and_norm(
    norm: &LayerNorm,
    stream: &mut Vec<i16>,
    equalised: &mut Vec<i16>,
    updates: impl Iterator<Item = Vec<i32>>,
) {
    let previous = core::mem::take(stream);
    equalised.clear();
    let mut rest = previous.as_slice();
    for update in updates {
        let (x, tail) = rest.split_at(update.len());
        rest = tail;
        let sums: Vec<i32> = x.iter().zip(&update).map(|(&x, &y)| norm.sum(x, y)).collect();
        push_norm(norm, &sums, stream, equalised);
    }
}

fn push_norm(norm: &LayerNorm, sums: &[i32], stream: &mut Vec<i16>, equalised: &mut Vec<i16>) {
    let (x, e) = norm.forward(sums);
    stream.extend(x);
    equalised.extend(e.into_iter().flatten());
}
