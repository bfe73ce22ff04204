//! The model, as this crate sees it: texts in, integers out.

use crate::{label_scores::LabelScores, prompts::Prompts};

/// One input of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Text<'a> {
    /// One text.
    Single(&'a str),
    /// Two texts that a cross-encoder reads together.
    Pair(&'a str, &'a str),
    /// Token ids, each below [`ModelInfo::vocabulary`]. The model reads them as they are: the
    /// tokenizer adds no special tokens.
    Ids(&'a [u32]),
}

impl<'a> Text<'a> {
    /// An input of one text.
    pub fn single(text: &'a str) -> Self {
        Self::Single(text)
    }

    /// An input of one text, or of two if there is a second one.
    pub(crate) fn of((text, pair): &'a (String, Option<String>)) -> Self {
        match pair {
            Some(pair) => Self::Pair(text, pair),
            None => Self::Single(text),
        }
    }

    /// An input of two texts that the model reads together.
    pub fn pair(text: &'a str, pair: &'a str) -> Self {
        Self::Pair(text, pair)
    }

    /// The text of an input that is one text.
    pub fn alone(self) -> Option<&'a str> {
        match self {
            Self::Single(text) => Some(text),
            Self::Pair(..) | Self::Ids(_) => None,
        }
    }
}

/// The model's result for one [`Text`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The integers of an embedding model's vector, or the integer logits of a classifier.
    pub vector: Vec<i32>,
    /// Tokens that went through the model, special tokens included.
    pub tokens: usize,
    /// Whether the text was longer than the model's input, so that its end was cut off.
    pub truncated: bool,
}

/// A token of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: u32,
    /// Its name in the vocabulary.
    pub name: String,
    /// The bytes of the text that it stands for, from and to, which may lie within a character;
    /// `None` for a special token that the model's tokenizer adds.
    pub place: Option<(usize, usize)>,
}

/// The meaning of a model's integers.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelKind {
    /// One vector for each text. Vectors are compared by their cosine.
    Embedding {
        /// Length of [`Encoded::vector`].
        dimensions: usize,
    },
    /// One logit for each label. A model with one label is a cross-encoder, which scores pairs.
    Classifier {
        /// Names of the logits, in order.
        labels: Vec<String>,
        /// `logit = integer * logit_scale`.
        logit_scale: f64,
        /// From logits to the scores of `/predict`.
        scores: LabelScores,
    },
}

/// The description of the model and of its host, for clients.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelInfo {
    /// The checkpoint's name, for example `BAAI/bge-small-en-v1.5`.
    pub model_id: String,
    /// SHA-256 of the model's bytes in lower-case hexadecimal: equal digests give equal integers.
    pub model_digest: String,
    /// The number format of the weights, `lockstep-i8`.
    pub model_dtype: String,
    /// The meaning of the integers.
    pub kind: ModelKind,
    /// How an embedding model pools its tokens, for example `mean`. Only `/info` uses it.
    pub pooling: String,
    /// Most tokens of one input, special tokens included.
    pub max_input_length: usize,
    /// Token ids are below it.
    pub vocabulary: usize,
    /// What stands before the texts of an embedding model.
    pub prompts: Prompts,
    /// `value = integer * vector_scale` for `/embed` with `"normalize": false`.
    pub vector_scale: f64,
    /// The kernels that compute here, for example `wasm-relaxed`. They never change a score.
    pub backend: String,
    /// Version of the program that hosts the model.
    pub version: String,
}

/// The reasons for a model to give no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The input has no token at all: its text is blank, and the tokenizer adds no special tokens.
    #[error("the text has no token, and the model's tokenizer adds none")]
    Empty {
        /// Position among the inputs.
        index: usize,
    },
    /// The tokenizer refuses the input.
    #[error("the tokenizer refuses the text: {message}")]
    Tokenizer {
        /// Position among the inputs.
        index: usize,
        /// The tokenizer's message.
        message: String,
    },
    /// The model failed, whatever the input.
    #[error("the model failed: {0}")]
    Backend(String),
}

/// A model that answers in integers.
///
/// An answer depends only on its own input: the other inputs of a batch, their order and their
/// number do not change it. Equal inputs give equal integers on every machine.
pub trait TextEncoder {
    /// The model's description. It never changes during the encoder's life.
    fn info(&self) -> &ModelInfo;

    /// Runs the model on every input. Of a text that is too long, the model reads the start.
    ///
    /// # Errors
    ///
    /// The error of the first input that fails; see [`EncodeError`].
    fn encode(&mut self, inputs: &[Text<'_>]) -> Result<Vec<Encoded>, EncodeError>;

    /// Tokens of the whole input, even if it is too long; special tokens included.
    ///
    /// # Errors
    ///
    /// The tokenizer refuses the input; the index is always 0.
    fn count_tokens(&mut self, input: Text<'_>) -> Result<usize, EncodeError>;

    /// The tokens of a whole text. `special` adds those that the model's tokenizer puts around it.
    ///
    /// # Errors
    /// [`EncodeError::Backend`] of a model without a tokenizer.
    fn tokens(&mut self, _text: &str, _special: bool) -> Result<Vec<Token>, EncodeError> {
        Err(EncodeError::Backend("it has no tokenizer here".into()))
    }

    /// The text of some token ids. `skip_special` leaves out special tokens.
    ///
    /// # Errors
    /// As [`Self::tokens`]; the tokenizer makes no texts of ids, with the index 0.
    fn text_of(&mut self, _ids: &[u32], _skip_special: bool) -> Result<String, EncodeError> {
        Err(EncodeError::Backend("it has no tokenizer here".into()))
    }
}
