//! Texts in, token ids out: the part of a model folder that needs no weights.

use lockstep_folder::TOKENIZER;
use lockstep_folder::manifest::{LabelScores as Stated, Manifest};
use lockstep_rank::{EncodeError, LabelScores, ModelInfo, ModelKind, Prompts, Text, Token};
use lockstep_tokenizer::{Encoding, Tokenizer};

use crate::OpenError;

/// The tokenizer of a model folder, and the description of its model.
pub struct TextReader {
    tokenizer: Tokenizer,
    /// Without a backend, which is known to the model's host alone.
    described: ModelInfo,
    /// The longest sequence that the model takes, in tokens.
    positions: usize,
}

impl TextReader {
    /// Reads `tokenizer.json`, whose digest must be that of the manifest.
    ///
    /// # Errors
    /// [`OpenError`] names the file and the problem.
    pub fn open(tokenizer: &[u8], manifest: &Manifest) -> Result<Self, OpenError> {
        manifest.verify(TOKENIZER, tokenizer)?;
        let kind = match (manifest.vector_unit, &manifest.labels, manifest.logit_unit) {
            (Some(_), None, None) => {
                ModelKind::Embedding { dimensions: manifest.dimensions.unwrap_or(manifest.hidden_size) }
            }
            (None, Some(labels), Some(logit_scale)) => {
                let scores = match manifest.label_scores {
                    None => LabelScores::usual(labels.len()),
                    Some(Stated::Softmax) => LabelScores::Softmax,
                    Some(Stated::Sigmoid) => LabelScores::Sigmoid,
                    Some(Stated::Logits) => LabelScores::Logits,
                };
                ModelKind::Classifier { labels: labels.clone(), logit_scale, scores }
            }
            _ => return Err(OpenError::NoUnit),
        };
        let described = ModelInfo {
            model_digest: manifest.model_digest(),
            model_id: manifest.model_id.clone(),
            model_dtype: "lockstep-i8".into(),
            kind,
            pooling: manifest.pooling.clone(),
            max_input_length: manifest.max_input_length,
            vocabulary: manifest.vocabulary,
            prompts: Prompts { texts: manifest.prompts.clone(), default: manifest.default_prompt.clone() },
            vector_scale: manifest.vector_unit.unwrap_or(1.0),
            backend: String::new(),
            version: env!("CARGO_PKG_VERSION").into(),
        };
        let tokenizer = Tokenizer::from_json(tokenizer)?;
        Ok(Self { tokenizer, described, positions: manifest.max_input_length })
    }

    /// Reads `lockstep.json` and `tokenizer.json` of a model folder.
    ///
    /// # Errors
    /// As [`Self::open`], and [`OpenError::File`] if a file cannot be read.
    #[cfg(not(target_family = "wasm"))]
    pub fn open_folder(folder: &std::path::Path) -> Result<Self, OpenError> {
        let read = |name: &str| {
            let path = folder.join(name);
            std::fs::read(&path).map_err(|source| OpenError::File { path, source })
        };
        Self::open(&read(TOKENIZER)?, &Manifest::read(&read(lockstep_folder::MANIFEST)?)?)
    }

    /// The description of the model on a host that computes with `backend`.
    #[must_use]
    pub fn info(&self, backend: &str) -> ModelInfo {
        ModelInfo { backend: backend.into(), ..self.described.clone() }
    }

    /// How many integers the model gives for one text.
    #[must_use]
    pub fn outputs(&self) -> usize {
        match &self.described.kind {
            ModelKind::Embedding { dimensions } => *dimensions,
            ModelKind::Classifier { labels, .. } => labels.len(),
        }
    }

    /// The longest sequence that the model takes, in tokens.
    pub(crate) const fn positions(&self) -> usize {
        self.positions
    }

    /// The number of token ids that the manifest states.
    pub(crate) const fn stated_vocabulary(&self) -> usize {
        self.described.vocabulary
    }

    /// The number of tokens that the tokenizer knows.
    pub(crate) fn vocabulary(&self) -> usize {
        self.tokenizer.vocab_size()
    }

    /// Sets the longest sequence, in tokens, to less than the model accepts. Longer texts are
    /// truncated.
    ///
    /// # Errors
    /// [`OpenError::Limit`] if `limit` leaves no room for a token of the text, or exceeds the
    /// longest sequence of the model.
    pub fn set_max_input_length(&mut self, limit: usize) -> Result<(), OpenError> {
        let least = self.tokenizer.special_tokens_of_pair() + 1;
        let most = self.positions;
        if !(least..=most).contains(&limit) {
            return Err(OpenError::Limit { limit, least, most });
        }
        self.described.max_input_length = limit;
        Ok(())
    }

    /// The tokens of a text or of a pair of texts, truncated to the longest sequence. Those of a
    /// blank text are the special tokens alone, as in Hugging Face tokenizers.
    ///
    /// # Errors
    /// [`EncodeError::Empty`] if there is no token at all. The index in the error is always 0.
    pub fn tokenize(&self, input: Text<'_>) -> Result<Encoding, EncodeError> {
        let limit = self.described.max_input_length;
        let encoding = match input {
            Text::Single(text) => self.tokenizer.encode(text, limit),
            Text::Pair(a, b) => self.tokenizer.encode_pair(a, b, limit),
            Text::Ids(ids) => Ok(as_they_are(ids, limit)),
        };
        let encoding =
            encoding.map_err(|error| EncodeError::Tokenizer { index: 0, message: error.to_string() })?;
        if encoding.ids.is_empty() { Err(EncodeError::Empty { index: 0 }) } else { Ok(encoding) }
    }

    /// The tokens of a whole text, and where they are. `special` adds the special tokens.
    #[must_use]
    pub fn tokens(&self, text: &str, special: bool) -> Vec<Token> {
        let name = |id| self.tokenizer.token(id).unwrap_or_default().to_owned();
        let tokens = self.tokenizer.tokens(text, special).into_iter();
        tokens.map(|token| Token { id: token.id, name: name(token.id), place: token.place }).collect()
    }

    /// The text of some token ids. `skip_special` leaves out special tokens.
    ///
    /// # Errors
    /// [`EncodeError::Tokenizer`] if the tokenizer's decoder is not supported.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String, EncodeError> {
        let refusal = |error: lockstep_tokenizer::TokenizerError| EncodeError::Tokenizer {
            index: 0,
            message: error.to_string(),
        };
        self.tokenizer.decode(ids, skip_special).map_err(refusal)
    }

    /// [`Self::tokenize`] for each text.
    ///
    /// # Errors
    /// The error of the first text that cannot be tokenized, with its index.
    pub fn tokenize_all(&self, inputs: &[Text<'_>]) -> Result<Vec<Encoding>, EncodeError> {
        let tokenize = |(i, input): (usize, &Text<'_>)| self.tokenize(*input).map_err(|error| at(error, i));
        inputs.iter().enumerate().map(tokenize).collect()
    }
}

/// The first `limit` of some token ids, without special tokens around them.
fn as_they_are(ids: &[u32], limit: usize) -> Encoding {
    let kept = ids[..ids.len().min(limit)].to_vec();
    let (type_ids, truncated) = (vec![0; kept.len()], kept.len() < ids.len());
    Encoding { ids: kept, type_ids, truncated, total_tokens: ids.len() }
}

/// The same error for the input of another index.
fn at(error: EncodeError, index: usize) -> EncodeError {
    match error {
        EncodeError::Empty { .. } => EncodeError::Empty { index },
        EncodeError::Tokenizer { message, .. } => EncodeError::Tokenizer { index, message },
        other => other,
    }
}
