//! The name of a model on a card.

use std::fmt;

/// A model that was added to a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ModelId(u32);

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "model {}", self.0)
    }
}

impl ModelId {
    pub(crate) const fn number(number: u32) -> Self {
        Self(number)
    }
}
