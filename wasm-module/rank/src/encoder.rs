//! What a model is to this crate: texts in, integers out.

/// One input of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    /// The text, or the first half of a pair.
    pub text: &'a str,
    /// The second half of a pair, for a cross-encoder.
    pub pair: Option<&'a str>,
}

impl<'a> Text<'a> {
    /// An input of one text.
    pub fn single(text: &'a str) -> Self {
        Self { text, pair: None }
    }

    /// An input of two texts that the model reads together.
    pub fn pair(text: &'a str, pair: &'a str) -> Self {
        Self { text, pair: Some(pair) }
    }
}

/// What the model makes of one [`Text`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The pooled integers of an embedding model, or the integer logits of a classifier.
    pub vector: Vec<i32>,
    /// Tokens that went through the model, the special ones included.
    pub tokens: usize,
    /// Whether the text was longer than the model's input and its end was left out.
    pub truncated: bool,
}

/// What a model's integers mean.
#[derive(Debug, Clone, PartialEq)]
pub enum ModelKind {
    /// One vector a text, compared by cosine.
    Embedding {
        /// Length of [`Encoded::vector`].
        dimensions: usize,
    },
    /// One logit a label; with one label, a cross-encoder that scores a pair.
    Classifier {
        /// Names of the logits, in order.
        labels: Vec<String>,
        /// `logit = integer * logit_scale`.
        logit_scale: f64,
    },
}

/// What a client may know about the model and about what runs it.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelInfo {
    /// The checkpoint's name, for example `BAAI/bge-small-en-v1.5`.
    pub model_id: String,
    /// SHA-256 of the model's bytes in lower-case hexadecimal: equal digests give equal integers.
    pub model_digest: String,
    /// The number format of the weights, `lockstep-i8`.
    pub model_dtype: String,
    /// What the integers mean.
    pub kind: ModelKind,
    /// How an embedding model pools its tokens, `mean` or `cls`; reported by `/info` only.
    pub pooling: String,
    /// Tokens the model takes, the special ones included.
    pub max_input_length: usize,
    /// `value = integer * vector_scale` for `/embed` with `"normalize": false`.
    pub vector_scale: f64,
    /// What computes here, for example `wasm-relaxed`; it never changes a score.
    pub backend: String,
    /// Version of the program around the model.
    pub version: String,
}

/// Why a model gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The tokenizer's normaliser leaves nothing of the input.
    #[error("nothing is left of the text after normalisation")]
    Empty {
        /// Position among the inputs.
        index: usize,
    },
    /// The tokenizer refuses the input.
    #[error("the tokenizer refuses the text: {message}")]
    Tokenizer {
        /// Position among the inputs.
        index: usize,
        /// What it says.
        message: String,
    },
    /// The model failed; no input is to blame.
    #[error("the model failed: {0}")]
    Backend(String),
}

/// A model that answers in integers.
///
/// An answer depends on its own input alone: batch mates, their order and their number change
/// nothing, and equal inputs give equal integers on every machine.
pub trait TextEncoder {
    /// What the model is. The answer never changes during the encoder's life.
    fn info(&self) -> &ModelInfo;

    /// Runs the model on every input, keeping the start of a text that is too long.
    ///
    /// # Errors
    ///
    /// The first input that fails ends the call; see [`EncodeError`].
    fn encode(&mut self, inputs: &[Text<'_>]) -> Result<Vec<Encoded>, EncodeError>;

    /// Tokens that the input would take if nothing were cut off, the special ones included.
    ///
    /// # Errors
    ///
    /// What the tokenizer refuses; the index is always 0.
    fn count_tokens(&mut self, input: Text<'_>) -> Result<usize, EncodeError>;
}
