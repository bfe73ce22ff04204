//! The items that a host keeps, as this crate sees them.

use std::fmt::Debug;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{encoder::ModelInfo, problem::Problem, rank::Scored};

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

impl Item {
    /// The attributes, for an answer.
    pub(crate) fn attributes(&self) -> Result<Value, Problem> {
        serde_json::from_str(&self.attributes)
            .map_err(|error| Problem::Backend(format!("the attributes cannot be read: {error}")))
    }
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

    /// Items that have no vector in this space yet: their numbers and texts, at most `most`, in the
    /// order of the numbers, which are all larger than `after`. Numbers are above 0.
    ///
    /// # Errors
    /// The store fails.
    fn missing(&self, space: &Space, after: i64, most: usize) -> Result<Vec<(i64, String)>, Problem>;

    /// The item with an id.
    ///
    /// # Errors
    /// The store fails.
    fn get(&self, id: &str) -> Result<Option<Item>, Problem>;

    /// The items with the best scores of those that have a vector in this space, the best first; of
    /// equal scores in the order of the ids' bytes.
    ///
    /// # Errors
    /// The store fails.
    fn best(&self, space: &Space, liked: Liked, choice: &Choice) -> Result<Vec<Best>, Problem>;

    /// The items that came last, the last first. One that was put again is as old as before.
    ///
    /// # Errors
    /// The store fails.
    fn newest(&self, choice: &Choice) -> Result<Vec<Item>, Problem>;

    /// Deletes the item with an id, and tells whether there was one.
    ///
    /// # Errors
    /// As [`Self::put`].
    fn delete(&self, id: &str) -> Result<bool, Problem>;
}

/// Which items may be in an answer, and how many.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// At most so many items.
    pub top_n: usize,
    /// Names of attributes, each with values as JSON. An item has at least one of the values of
    /// each name; an array has each of its values.
    pub filter: Vec<(String, Vec<String>)>,
    /// Ids of items that are left out.
    pub without: Vec<String>,
    /// The ids that may be in the answer; `None` for all.
    pub only: Option<Vec<String>>,
}

/// The texts that a person liked.
#[derive(Debug, Clone, PartialEq)]
pub struct Liked {
    /// The compact vectors, `[texts, width]`; at least one.
    pub vectors: Vec<i16>,
    /// The weight of each text, finite and above 0.
    pub weights: Vec<f64>,
}

/// An item of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// The item.
    pub item: Item,
    /// The compact vector of its text.
    pub vector: Vec<i16>,
    /// Its score and its reasons, by [`crate::rank::score`].
    pub scored: Scored,
}
