//! Reads `tokenizer.json`. A component that this crate does not implement is refused by name.

mod added;
mod bpe;
mod decoder;
mod normalizer;
mod part;
mod pieces;
mod template;
mod unigram;
mod wordpiece;
mod words;

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use self::added::{Added, AddedToken};
use self::part::{UNTYPED, unsupported};
use crate::added::Matcher;
use crate::decode;
use crate::error::TokenizerError;
use crate::model::Model;
use crate::normalize::Normalizer;
use crate::template::Template;
use crate::tokens::Tokens;
use crate::trim::Trim;
use crate::words::Step;

/// Node numbers, piece numbers and ids are `u32`. None can exceed the size of the file.
const MAX_BYTES: usize = u32::MAX as usize - 1;

#[derive(Deserialize)]
struct File {
    version: Option<String>,
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    normalizer: Option<Value>,
    pre_tokenizer: Option<Value>,
    post_processor: Option<Value>,
    decoder: Option<Value>,
    model: ModelKind,
}

/// The kind of the model. It is read first, because the vocabularies of the models have different
/// shapes.
#[derive(Deserialize)]
struct ModelKind {
    r#type: Option<String>,
    /// Old files have no type. Only WordPiece has this field.
    max_input_chars_per_word: Option<u64>,
    /// Only Unigram has this one.
    unk_id: Option<u64>,
    /// Only BPE has this one.
    merges: Option<IgnoredAny>,
}

impl ModelKind {
    fn name(&self) -> &str {
        match (self.r#type.as_deref(), self) {
            (Some(name), _) => name,
            (None, Self { max_input_chars_per_word: Some(_), .. }) => "WordPiece",
            (None, Self { unk_id: Some(_), .. }) => "Unigram",
            (None, Self { merges: Some(_), .. }) => "BPE",
            (None, _) => UNTYPED,
        }
    }
}

/// All parts of a tokenizer, read and checked.
pub(crate) struct Contents {
    /// The token of each id.
    pub(crate) tokens: Tokens,
    /// Finds the added tokens in the raw text.
    pub(crate) raw: Matcher,
    /// What happens to the text before it is split.
    pub(crate) normalizer: Normalizer,
    /// Finds the added tokens in the normalized text.
    pub(crate) normalized: Matcher,
    /// Splits the normalized text into words.
    pub(crate) words: Vec<Step>,
    /// Splits a word into pieces.
    pub(crate) model: Model,
    /// The template of one text.
    pub(crate) single: Template,
    /// The template of two texts.
    pub(crate) pair: Template,
    /// How the places of tokens are trimmed.
    pub(crate) trim: Option<Trim>,
    /// The ids of the special tokens.
    pub(crate) special: HashSet<u32>,
    /// From tokens back to a text. No model needs it, so one that is not supported refuses texts,
    /// not the file.
    pub(crate) decoder: Result<Option<Vec<decode::Step>>, String>,
}

/// Reads and checks the bytes of a `tokenizer.json`.
pub(crate) fn read(bytes: &[u8]) -> Result<Contents, TokenizerError> {
    if bytes.len() > MAX_BYTES {
        return Err(TokenizerError::TooLarge { bytes: bytes.len(), limit: MAX_BYTES });
    }
    let file: File = serde_json::from_slice(bytes)?;
    if let Some(version) = file.version.filter(|version| version != "1.0") {
        return Err(unsupported("version", version));
    }
    let kind = file.model.name();
    let mut steps = Vec::new();
    if let Some(normalizer) = &file.normalizer {
        normalizer::read(normalizer, &mut steps)?;
    }
    let normalizer = Normalizer::new(steps);
    let words = words::read(file.pre_tokenizer.as_ref(), normalizer.steps(), kind == "BPE")?;
    let (model, mut tokens, pieces) = match kind {
        "WordPiece" => {
            let (model, tokens, pieces) = wordpiece::read(bytes)?;
            (Model::WordPiece(model), tokens, pieces)
        }
        "Unigram" => {
            let (model, tokens, pieces) = unigram::read(bytes)?;
            (Model::Unigram(model), tokens, pieces)
        }
        "BPE" => {
            let (model, tokens, pieces) = bpe::read(bytes)?;
            (Model::Bpe(model), tokens, pieces)
        }
        kind => return Err(unsupported("model", kind)),
    };
    let Added { matchers: [raw, normalized], special } =
        added::read(file.added_tokens, &model, &normalizer, pieces, &mut tokens)?;
    let [single, pair] = template::read(file.post_processor.as_ref(), tokens.len())?;
    let trim = template::read_trim(file.post_processor.as_ref())?;
    let decoder = |part: &Value| {
        let mut steps = Vec::new();
        decoder::read(part, &mut steps).map(|()| steps).map_err(|error| error.to_string())
    };
    let decoder = file.decoder.as_ref().map(decoder).transpose();
    Ok(Contents { tokens, raw, normalizer, normalized, words, model, single, pair, trim, special, decoder })
}
