//! The items that a host keeps, as this crate sees them.

use std::fmt::Debug;

use sha2::{Digest, Sha256};

use crate::{encoder::ModelInfo, problem::Problem};

/// An item of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its name, which no other item has.
    pub id: String,
    /// The text that the model reads, without a prompt.
    pub text: String,
    /// A JSON object. Its values are strings, numbers, true, false, and arrays of these.
    pub attributes: String,
    /// The second since 1970 from which on the item is gone; `None` if it stays.
    pub expires: Option<i64>,
}

/// Vectors that may be compared: those of one model, which reads texts in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// 64 hexadecimal digits. Equal names mean equal vectors of equal texts.
    pub name: String,
    /// The length of a vector.
    pub width: usize,
}

impl Space {
    /// The space of a model's vectors of items, which have `width` integers. A vector depends on
    /// the model, on its longest input and on the prompt of documents.
    pub(crate) fn of(model: &ModelInfo, width: usize) -> Self {
        let mut hash = Sha256::new();
        hash.update("items compact-16 ");
        hash.update(&model.model_digest);
        hash.update((model.max_input_length as u64).to_le_bytes());
        hash.update(model.prompts.document());
        Self { name: hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect(), width }
    }
}

/// The items that a host keeps. An item that has expired is one that is not there.
///
/// Each error is the refusal that the client gets.
pub trait ItemStore: Debug + Send + Sync {
    /// Puts items, each in the place of the one with its id, and vectors of texts, which are
    /// compact: (40) of `SPEC.md`. When this returns, the items are on the disk.
    ///
    /// # Errors
    /// The store fails, or has too much to do.
    fn put(&self, space: &Space, items: Vec<Item>, vectors: Vec<(String, Vec<i16>)>) -> Result<(), Problem>;

    /// Whether the vector of a text is known.
    ///
    /// # Errors
    /// The store fails.
    fn knows(&self, space: &Space, text: &str) -> Result<bool, Problem>;

    /// The item with an id.
    ///
    /// # Errors
    /// The store fails.
    fn get(&self, id: &str) -> Result<Option<Item>, Problem>;

    /// Deletes the item with an id, and tells whether there was one.
    ///
    /// # Errors
    /// As [`Self::put`].
    fn delete(&self, id: &str) -> Result<bool, Problem>;
}

/// The refusal of a host that keeps no items.
pub(crate) fn no_items() -> Problem {
    Problem::Backend("no items are kept here; edge-host keeps them in the folder that --items names".into())
}
