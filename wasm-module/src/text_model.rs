//! An open model folder: texts in, integers out.

use std::sync::OnceLock;

use lockstep_folder::manifest::{Manifest, ManifestError};
use lockstep_folder::{MANIFEST, ONNX, RUNTIME, TOKENIZER};
use lockstep_model::{Buffer, Model, ModelError, Sequence};
use lockstep_rank::{EncodeError, Encoded, ModelInfo, ModelKind, Text, TextEncoder};
use lockstep_tokenizer::{Encoding, Tokenizer, TokenizerError};

/// The tokenizer and the model of one folder.
pub struct TextModel {
    tokenizer: Tokenizer,
    model: Model,
    /// The information without the backend. The model chooses its kernel, which names the backend,
    /// at the first use.
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
        /// The file.
        path: std::path::PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// The manifest cannot be used, or a file is not the one that the manifest describes.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The tokenizer cannot be used.
    #[error("{TOKENIZER}: {0}")]
    Tokenizer(#[from] TokenizerError),
    /// The run-time file cannot be used.
    #[error("{RUNTIME}: {0}")]
    Model(#[from] ModelError),
    /// Two files of the folder contradict each other.
    #[error("{what} is {found} in {first}, {expected} in {second}")]
    Mismatch {
        /// The value that differs.
        what: &'static str,
        /// The name of one file.
        first: &'static str,
        /// The value in that file.
        found: usize,
        /// The name of the other file.
        second: &'static str,
        /// The value in the other file.
        expected: usize,
    },
    /// The model cannot truncate texts to this limit.
    #[error("a longest sequence of {limit} tokens, allowed: {least} to {most}")]
    Limit {
        /// The limit that was asked for.
        limit: usize,
        /// The least limit.
        least: usize,
        /// The greatest limit.
        most: usize,
    },
    /// The manifest has neither the unit of vectors, nor labels and the unit of logits.
    #[error("{MANIFEST}: vector_unit is missing, and so are labels or logit_unit")]
    NoUnit,
}

impl TextModel {
    /// Opens three files of a model folder: `model.lockstep`, `tokenizer.json` and the manifest
    /// `lockstep.json`. The digests of the first two must be those of the manifest. The weights
    /// stay in the buffer of `model`; the other two files are not needed afterwards.
    ///
    /// # Errors
    /// [`OpenError`] names the file and the problem.
    pub fn open(model: impl Into<Buffer>, tokenizer: &[u8], manifest: &[u8]) -> Result<Self, OpenError> {
        let model = model.into();
        let manifest = Manifest::read(manifest)?;
        // The model digest needs the digest of this file, although nothing here reads the file.
        manifest.digest(ONNX)?;
        manifest.verify(RUNTIME, &model)?;
        manifest.verify(TOKENIZER, tokenizer)?;
        Self::open_parts(model, tokenizer, manifest)
    }

    /// Opens a model folder. Its `model.lockstep` is mapped into memory.
    ///
    /// # Errors
    /// As [`Self::open`], and [`OpenError::File`] if a file cannot be read.
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
        // Hashing the weights takes longer than all other work, none of which depends on the
        // result.
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

    /// Sets the longest sequence, in tokens, to less than the model accepts. Longer texts are
    /// truncated.
    ///
    /// # Errors
    /// [`OpenError::Limit`] if `limit` leaves no room for a token of the text, or exceeds the
    /// longest sequence of the model.
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

    /// The tokens of a text or of a pair of texts, truncated to the longest sequence.
    ///
    /// # Errors
    /// [`EncodeError::Empty`] if the tokenizer leaves nothing of the text. The index in the error
    /// is always 0.
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
    /// [`Self::tokenize`] for each text.
    ///
    /// # Errors
    /// The error of the first text that cannot be tokenized, with its index.
    pub fn tokenize_all(&self, inputs: &[Text<'_>]) -> Result<Vec<Encoding>, EncodeError> {
        let tokenize = |(i, input): (usize, &Text<'_>)| self.tokenize(*input).map_err(|error| at(error, i));
        inputs.iter().enumerate().map(tokenize).collect()
    }

    /// Runs the model on tokenized texts. Several threads may call it at the same time.
    ///
    /// # Errors
    /// [`EncodeError::Backend`] if the model does not accept a sequence, or if tract fails.
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

/// The same error for the input of another index.
fn at(error: EncodeError, index: usize) -> EncodeError {
    match error {
        EncodeError::Empty { .. } => EncodeError::Empty { index },
        EncodeError::Tokenizer { message, .. } => EncodeError::Tokenizer { index, message },
        other => other,
    }
}
