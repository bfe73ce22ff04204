//! The reader of texts, in the daemon's model or apart from one.

use std::sync::Arc;

use lockstep_module::{TextModel, TextReader};

/// Reads texts for all engines.
pub(crate) enum Texts {
    /// The native engine's model has read the tokenizer already.
    OfModel(Arc<TextModel>),
    /// The model is open in WebAssembly alone.
    Alone(Box<TextReader>),
}

impl Texts {
    /// The tokenizer, and the model's description.
    pub(crate) fn reader(&self) -> &TextReader {
        match self {
            Self::OfModel(model) => model.reader(),
            Self::Alone(reader) => reader,
        }
    }
}
