//! Items, models and vectors, as callers see them.

use sha2::{Digest, Sha256};

/// The SHA-256 of a text.
pub type TextHash = [u8; 32];

/// The hash under which the vectors of a text are kept.
#[must_use]
pub fn text_hash(text: &str) -> TextHash {
    Sha256::digest(text.as_bytes()).into()
}

/// An item of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its name, which no other item has. An item that is put under a known id replaces the old
    /// one.
    pub id: String,
    /// The text that models read.
    pub text: String,
    /// A JSON object. The store keeps it as it is, and finds the item by each of its values.
    pub attributes: String,
    /// The second since 1970 from which on the item is gone; `None` if it stays.
    pub expires: Option<i64>,
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
