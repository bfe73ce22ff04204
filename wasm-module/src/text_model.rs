//! A model folder, opened: texts to integers.

use lockstep_manifest::{MODEL, Manifest, ManifestError, TOKENIZER};
use lockstep_model::{Model, ModelError, Sequence};
use lockstep_rank::{EncodeError, Encoded, Encoder, ModelInfo, ModelKind, Text};
use lockstep_tokenizer::{Encoding, Tokenizer, TokenizerError};

/// A tokenizer and a model that belong together.
pub struct TextModel {
    tokenizer: Tokenizer,
    model: Model,
    info: ModelInfo,
}

/// Why a model folder cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The manifest, or a file that is not the one it describes.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The tokenizer.
    #[error("tokenizer.json: {0}")]
    Tokenizer(#[from] TokenizerError),
    /// The model.
    #[error("model.onnx: {0}")]
    Model(#[from] ModelError),
    /// The files do not fit each other.
    #[error("{what} is {found} in {first}, {expected} in {second}")]
    Mismatch {
        /// What differs.
        what: &'static str,
        /// One file.
        first: &'static str,
        /// Its value.
        found: usize,
        /// The other file.
        second: &'static str,
        /// Its value.
        expected: usize,
    },
    /// A limit that the model cannot have.
    #[error("a longest sequence of {limit} tokens, allowed: {least} to {most}")]
    Limit {
        /// What was asked for.
        limit: usize,
        /// The least.
        least: usize,
        /// The most.
        most: usize,
    },
    /// The manifest has neither the unit of vectors nor labels with the unit of logits.
    #[error("lockstep.json: vector_unit is missing, and so are labels or logit_unit")]
    NoUnit,
}

impl TextModel {
    /// Opens the three files of a model folder: `model.onnx`, `tokenizer.json`, `lockstep.json`. The model's bytes
    /// are given away, so that memory never holds them twice.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn open(model: Vec<u8>, tokenizer: &[u8], manifest: &[u8]) -> Result<Self, OpenError> {
        let manifest = Manifest::read(manifest)?;
        manifest.verify(MODEL, &model)?;
        manifest.verify(TOKENIZER, tokenizer)?;
        let tokenizer = Tokenizer::from_json(tokenizer)?;
        let model = Model::open_owned(model)?;
        if tokenizer.vocab_size() > model.vocabulary() {
            return Err(OpenError::Mismatch {
                what: "the vocabulary",
                first: TOKENIZER,
                found: tokenizer.vocab_size(),
                second: MODEL,
                expected: model.vocabulary(),
            });
        }
        let (kind, outputs) = match (manifest.vector_unit, &manifest.labels, manifest.logit_unit) {
            (Some(_), None, None) => {
                (ModelKind::Embedding { dimensions: manifest.hidden_size }, manifest.hidden_size)
            }
            (None, Some(labels), Some(logit_scale)) => {
                (ModelKind::Classifier { labels: labels.clone(), logit_scale }, labels.len())
            }
            _ => return Err(OpenError::NoUnit),
        };
        let same = |what, found, expected| {
            let mismatch =
                OpenError::Mismatch { what, first: MODEL, found, second: "lockstep.json", expected };
            if found == expected { Ok(()) } else { Err(mismatch) }
        };
        same("the number of outputs", model.outputs(), outputs)?;
        same("the longest sequence", model.positions(), manifest.max_input_length)?;
        let info = ModelInfo {
            model_digest: manifest.model_digest(),
            model_id: manifest.model_id,
            model_dtype: "lockstep-i8".into(),
            kind,
            pooling: manifest.pooling,
            max_input_length: manifest.max_input_length,
            vector_scale: manifest.vector_unit.unwrap_or(1.0),
            backend: model.kernel_name().into(),
            version: env!("CARGO_PKG_VERSION").into(),
        };
        Ok(Self { tokenizer, model, info })
    }

    /// Cuts texts shorter than the model could take them.
    ///
    /// # Errors
    /// Where `limit` leaves no room for a token, or is more than the model takes.
    pub fn set_max_input_length(&mut self, limit: usize) -> Result<(), OpenError> {
        let least = self.tokenizer.special_tokens_of_pair() + 1;
        let most = self.model.positions();
        if !(least..=most).contains(&limit) {
            return Err(OpenError::Limit { limit, least, most });
        }
        self.info.max_input_length = limit;
        Ok(())
    }

    /// Token ids and type ids of a text, cut at the model's longest sequence.
    ///
    /// # Errors
    /// Where the tokenizer leaves nothing of the text. The index is always 0.
    pub fn tokenize(&self, input: Text<'_>) -> Result<Encoding, EncodeError> {
        let limit = self.info.max_input_length;
        let (encoding, special) = match input.pair {
            Some(pair) => {
                (self.tokenizer.encode_pair(input.text, pair, limit), self.tokenizer.special_tokens_of_pair())
            }
            None => (self.tokenizer.encode(input.text, limit), self.tokenizer.special_tokens()),
        };
        let encoding =
            encoding.map_err(|error| EncodeError::Tokenizer { index: 0, message: error.to_string() })?;
        if encoding.total_tokens == special { Err(EncodeError::Empty { index: 0 }) } else { Ok(encoding) }
    }
}

impl Encoder for TextModel {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    fn encode(&mut self, inputs: &[Text<'_>]) -> Result<Vec<Encoded>, EncodeError> {
        let encodings = inputs
            .iter()
            .enumerate()
            .map(|(i, input)| self.tokenize(*input).map_err(|error| at(error, i)))
            .collect::<Result<Vec<_>, _>>()?;
        let batch: Vec<Sequence<'_>> =
            encodings.iter().map(|e| Sequence { ids: &e.ids, type_ids: &e.type_ids }).collect();
        let vectors = self.model.run(&batch).map_err(|error| EncodeError::Backend(error.to_string()))?;
        let encoded = vectors.into_iter().zip(&encodings);
        Ok(encoded
            .map(|(vector, e)| Encoded { vector, tokens: e.ids.len(), truncated: e.truncated })
            .collect())
    }

    fn count_tokens(&mut self, input: Text<'_>) -> Result<usize, EncodeError> {
        self.tokenize(input).map(|e| e.total_tokens)
    }
}

/// The same error, about another input.
fn at(error: EncodeError, index: usize) -> EncodeError {
    match error {
        EncodeError::Empty { .. } => EncodeError::Empty { index },
        EncodeError::Tokenizer { message, .. } => EncodeError::Tokenizer { index, message },
        other => other,
    }
}
