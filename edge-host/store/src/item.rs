//! Items, models and vectors, as callers see them.

pub use lockstep_rank::Item;
use sha2::{Digest, Sha256};

/// The SHA-256 of a text.
pub type TextHash = [u8; 32];

/// The hash under which the vectors of a text are kept.
#[must_use]
pub fn text_hash(text: &str) -> TextHash {
    Sha256::digest(text.as_bytes()).into()
}

/// A model, and the length of its vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelName {
    /// The digest that names it.
    pub digest: String,
    /// From 1 to 16,384.
    pub width: usize,
}

/// The compact vector of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorOf {
    /// The text.
    pub text: TextHash,
    /// (40) of `SPEC.md`, as long as those of its model.
    pub compact: Vec<i16>,
}
