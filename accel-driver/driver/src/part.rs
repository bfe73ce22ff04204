//! The parts of card memory.

use std::fmt;

use crate::model_id::ModelId;

/// Something that is copied to card memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Part {
    /// The weight image of a model.
    Image(ModelId),
    /// The program of a model for sequences of so many tokens.
    Program(ModelId, usize),
}

impl Part {
    pub(crate) const fn model(self) -> ModelId {
        match self {
            Self::Image(model) | Self::Program(model, _) => model,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(model) => write!(f, "the weights of {model}"),
            Self::Program(model, tokens) => write!(f, "the program of {model} for {tokens} tokens"),
        }
    }
}
