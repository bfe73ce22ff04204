//! Section 8 of `SPEC.md`: from the stream of the last layer to the integers of a text. These are
//! the pooled vector, the vector behind dense layers, or the logits of a classification head.

use alloc::vec::Vec;

use crate::activation::Table;
use crate::fixed::{reciprocal, round_shift_wide};
use crate::linear::Linear;
use crate::range::RangeError;
use crate::rows::Sign;

/// Most dense layers of a model.
pub const DENSE_MAX: usize = 4;

/// How the vectors of the tokens become one vector: (33).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pooling {
    /// The sum of all tokens.
    Mean,
    /// The first token.
    Cls,
    /// The greatest number of each channel.
    Max,
    /// The mean of all tokens, in which the token at index `i` has the weight `i + 1`.
    WeightedMean,
}

/// A dense layer behind the pooling, or behind another dense layer: (36). `L` is a linear layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dense<L = Linear> {
    /// Signed rows, as many inputs as the vector before it has numbers.
    pub linear: L,
    /// `tanh`, in units of 2^-15; without it the outputs stay as they are.
    pub tanh: Option<Table>,
}

/// A classification head, pooler and classifier: (34).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head<L = Linear> {
    /// `[D, D]`.
    pub pooler: L,
    /// `tanh`, in units of 2^-15.
    pub tanh: Table,
    /// `[D, labels]`.
    pub classifier: L,
}

impl Pooling {
    /// (33) of a stream `[n, width]` of at least one token: `width` integers.
    #[must_use]
    pub fn pool(self, stream: &[i16], width: usize) -> Vec<i32> {
        let column = |j: usize| stream[j..].iter().step_by(width).map(|&x| i32::from(x));
        (0..width)
            .map(|j| match self {
                Self::Mean => column(j).sum(),
                Self::Cls => stream[j].into(),
                Self::Max => column(j).max().unwrap_or_default(),
                Self::WeightedMean => {
                    let products = (1..).zip(column(j)).map(|(weight, x)| weight * i64::from(x));
                    Self::weighted(products.sum(), stream.len() / width)
                }
            })
            .collect()
    }

    /// Weighted mean pooling of (33), from the sum of the products of one channel.
    #[must_use]
    pub const fn weighted(sum: i64, tokens: usize) -> i32 {
        round_shift_wide(sum * reciprocal(tokens * (tokens + 1) / 2, 40), 40) as i32
    }

    /// (35) of one number that (33) gave for `tokens` tokens. It fits 16 bits, unless the number is
    /// none that (33) gives.
    #[must_use]
    pub const fn row(self, pooled: i32, tokens: usize) -> i32 {
        match self {
            Self::Mean => round_shift_wide(pooled as i64 * reciprocal(tokens, 32), 32) as i32,
            Self::Cls | Self::Max | Self::WeightedMean => pooled,
        }
    }
}

impl<L> Dense<L> {
    /// The activation of (36): (31), or the number as it is.
    #[must_use]
    pub fn activate(&self, v: i16) -> i16 {
        self.tanh.as_ref().map_or(v, |tanh| tanh.odd(v))
    }
}

impl Dense {
    pub(crate) fn validate(&self, name: &str, inputs: usize) -> Result<(), RangeError> {
        self.linear.expect(name, (inputs, self.linear.outputs), Sign::Signed)?;
        self.tanh.as_ref().map_or(Ok(()), |tanh| tanh.validate(name))
    }

    /// (36) of one row.
    #[must_use]
    pub fn forward(&self, row: &[i16]) -> Vec<i16> {
        self.linear.forward16(row).into_iter().map(|v| self.activate(v)).collect()
    }
}

impl Head {
    pub(crate) fn validate(&self, hidden: usize) -> Result<(), RangeError> {
        self.pooler.expect("pooler", (hidden, hidden), Sign::Signed)?;
        self.tanh.validate("pooler tanh")?;
        self.classifier.expect("classifier", (hidden, self.classifier.outputs), Sign::Signed)
    }

    /// (34) of the first row of the stream: the logits.
    #[must_use]
    pub fn forward(&self, first: &[i16]) -> Vec<i32> {
        let pooled: Vec<i16> = self.pooler.forward16(first).into_iter().map(|v| self.tanh.odd(v)).collect();
        self.classifier.forward(&pooled)
    }
}
