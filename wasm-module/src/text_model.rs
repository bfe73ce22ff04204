//! A model folder, opened: texts to integers.

use std::sync::OnceLock;

use lockstep_folder::manifest::{Manifest, ManifestError};
use lockstep_folder::{MANIFEST, ONNX, RUNTIME, TOKENIZER};
use lockstep_model::{Buffer, Model, ModelError, Sequence};
use lockstep_rank::{EncodeError, Encoded, ModelInfo, ModelKind, Text, TextEncoder};
use lockstep_tokenizer::{Encoding, Tokenizer, TokenizerError};

/// A tokenizer and a model that belong together.
pub struct TextModel {
    tokenizer: Tokenizer,
    model: Model,
    /// All but the backend, which is named when the model has run or is asked for it.
    described: ModelInfo,
    info: OnceLock<ModelInfo>,
}

/// Why a model folder cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file cannot be read.
    #[cfg(not(target_family = "wasm"))]
    #[error("{}: {source}", path.display())]
    File {
        /// Which one.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The manifest, or a file that is not the one it describes.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The tokenizer.
    #[error("{TOKENIZER}: {0}")]
    Tokenizer(#[from] TokenizerError),
    /// The model.
    #[error("{RUNTIME}: {0}")]
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
    #[error("{MANIFEST}: vector_unit is missing, and so are labels or logit_unit")]
    NoUnit,
}

impl TextModel {
    /// Opens three files of a model folder: `model.lockstep`, `tokenizer.json`, `lockstep.json`. The digests of the
    /// first two are compared with the manifest's. The model stays in its buffer, the other two are done with.
    ///
    /// # Errors
    /// Names the file and what is wrong with it.
    pub fn open(model: impl Into<Buffer>, tokenizer: &[u8], manifest: &[u8]) -> Result<Self, OpenError> {
        let model = model.into();
        let manifest = Manifest::read(manifest)?;
        // What results are keyed by must be there, although nothing here reads that file.
        manifest.digest(ONNX)?;
        manifest.verify(RUNTIME, &model)?;
        manifest.verify(TOKENIZER, tokenizer)?;
        Self::open_parts(model, tokenizer, manifest)
    }

    /// Opens a model folder, whose `model.lockstep` is mapped into memory.
    ///
    /// # Errors
    /// As [`Self::open`], and where a file cannot be read.
    #[cfg(not(target_family = "wasm"))]
    pub fn open_folder(folder: &std::path::Path) -> Result<Self, OpenError> {
        let unreadable = |name: &str| {
            let path = folder.join(name);
            move |source| OpenError::File { path, source }
        };
        let read = |name: &str| std::fs::read(folder.join(name)).map_err(unreadable(name));
        let (manifest, tokenizer) = (read(MANIFEST)?, read(TOKENIZER)?);
        let model = lockstep_model::map(&folder.join(RUNTIME)).map_err(unreadable(RUNTIME))?;
        let manifest = Manifest::read(&manifest)?;
        manifest.digest(ONNX)?;
        // The digest of the weights takes longer than all the rest, of which nothing relies on it.
        crate::check::beside(&manifest, RUNTIME, &model, || {
            manifest.verify(TOKENIZER, &tokenizer)?;
            Self::open_parts(model.clone(), &tokenizer, manifest.clone())
        })?
    }

    fn open_parts(model: Buffer, tokenizer: &[u8], manifest: Manifest) -> Result<Self, OpenError> {
        let tokenizer = Tokenizer::from_json(tokenizer)?;
        let model = Model::open(model)?;
        if tokenizer.vocab_size() > model.vocabulary() {
            return Err(OpenError::Mismatch {
                what: "the vocabulary",
                first: TOKENIZER,
                found: tokenizer.vocab_size(),
                second: RUNTIME,
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
            let mismatch = OpenError::Mismatch { what, first: RUNTIME, found, second: MANIFEST, expected };
            if found == expected { Ok(()) } else { Err(mismatch) }
        };
        same("the number of outputs", model.outputs(), outputs)?;
        same("the longest sequence", model.positions(), manifest.max_input_length)?;
        let described = ModelInfo {
            model_digest: manifest.model_digest(),
            model_id: manifest.model_id,
            model_dtype: "lockstep-i8".into(),
            kind,
            pooling: manifest.pooling,
            max_input_length: manifest.max_input_length,
            vector_scale: manifest.vector_unit.unwrap_or(1.0),
            backend: String::new(),
            version: env!("CARGO_PKG_VERSION").into(),
        };
        Ok(Self { tokenizer, model, described, info: OnceLock::new() })
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
        self.described.max_input_length = limit;
        self.info = OnceLock::new();
        Ok(())
    }

    /// Token ids and type ids of a text, cut at the model's longest sequence.
    ///
    /// # Errors
    /// Where the tokenizer leaves nothing of the text. The index is always 0.
    pub fn tokenize(&self, input: Text<'_>) -> Result<Encoding, EncodeError> {
        let limit = self.described.max_input_length;
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

impl TextModel {
    /// [`Self::tokenize`] of each of the texts.
    ///
    /// # Errors
    /// The first text that the tokenizer refuses, with its index.
    pub fn tokenize_all(&self, inputs: &[Text<'_>]) -> Result<Vec<Encoding>, EncodeError> {
        let tokenize = |(i, input): (usize, &Text<'_>)| self.tokenize(*input).map_err(|error| at(error, i));
        inputs.iter().enumerate().map(tokenize).collect()
    }

    /// Runs the model on texts that are tokens already. Any number of threads may do so at the same time.
    ///
    /// # Errors
    /// Where the model does not take them or tract does not run it.
    pub fn run(&self, encodings: &[Encoding]) -> Result<Vec<Encoded>, EncodeError> {
        let batch: Vec<Sequence<'_>> =
            encodings.iter().map(|e| Sequence { ids: &e.ids, type_ids: &e.type_ids }).collect();
        let vectors = self.model.run(&batch).map_err(|error| EncodeError::Backend(error.to_string()))?;
        let encoded = vectors.into_iter().zip(encodings);
        Ok(encoded
            .map(|(vector, e)| Encoded { vector, tokens: e.ids.len(), truncated: e.truncated })
            .collect())
    }
}

impl TextEncoder for TextModel {
    fn info(&self) -> &ModelInfo {
        self.info
            .get_or_init(|| ModelInfo { backend: self.model.kernel_name().into(), ..self.described.clone() })
    }

    fn encode(&mut self, inputs: &[Text<'_>]) -> Result<Vec<Encoded>, EncodeError> {
        self.run(&self.tokenize_all(inputs)?)
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
