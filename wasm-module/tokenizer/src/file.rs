//! Reads `tokenizer.json`. A component that this crate does not implement is refused by name.

use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::added::{Matcher, Rule};
use crate::error::TokenizerError;
use crate::normalize::{Normalizer, Step};
use crate::template::{Element, Template};
use crate::wordpiece::WordPiece;

/// Node numbers, piece numbers and ids are `u32`. None can exceed the size of the file.
const MAX_BYTES: usize = u32::MAX as usize - 1;
/// Ids are below this, which bounds the memory for holes in a vocabulary.
const MAX_IDS: u32 = 1 << 24;

#[derive(Deserialize)]
struct File {
    version: Option<String>,
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    normalizer: Option<Value>,
    pre_tokenizer: Option<Value>,
    post_processor: Option<Value>,
    model: ModelKind,
}

/// The kind of the model. It is read first, because the vocabularies of other models have other
/// shapes.
#[derive(Deserialize)]
struct ModelKind {
    r#type: Option<String>,
    /// Old files have no type. Only WordPiece has this field.
    max_input_chars_per_word: Option<u64>,
}

#[derive(Deserialize)]
struct ModelFile {
    model: Model,
}

#[derive(Deserialize)]
struct Model {
    vocab: Vocabulary,
    unk_token: String,
    continuing_subword_prefix: String,
    max_input_chars_per_word: u64,
}

#[derive(Deserialize)]
struct AddedToken {
    id: u32,
    content: String,
    single_word: bool,
    lstrip: bool,
    rstrip: bool,
    normalized: bool,
    special: bool,
}

/// All parts of a tokenizer, read and checked.
pub(crate) struct Contents {
    /// The token of each id, if it has one: the vocabulary, and the added tokens.
    pub(crate) tokens: Vec<Option<String>>,
    /// Finds the added tokens in the raw text.
    pub(crate) raw: Matcher,
    pub(crate) normalizer: Normalizer,
    /// Finds the added tokens in the normalized text.
    pub(crate) normalized: Matcher,
    pub(crate) wordpiece: WordPiece,
    /// The template of one text.
    pub(crate) single: Template,
    /// The template of two texts.
    pub(crate) pair: Template,
}

/// Reads and checks the bytes of a `tokenizer.json`.
pub(crate) fn read(bytes: &[u8]) -> Result<Contents, TokenizerError> {
    if bytes.len() > MAX_BYTES {
        return Err(TokenizerError::TooLarge { bytes: bytes.len(), limit: MAX_BYTES });
    }
    let file: File = serde_json::from_slice(bytes)?;
    if let Some(version) = file.version.filter(|version| version != "1.0") {
        return Err(unsupported("version", &version));
    }
    match (file.model.r#type.as_deref(), file.model.max_input_chars_per_word) {
        (Some("WordPiece"), _) | (None, Some(_)) => {}
        (kind, _) => return Err(unsupported("model", kind.unwrap_or(UNTYPED))),
    }
    let mut steps = Vec::new();
    if let Some(normalizer) = &file.normalizer {
        read_normalizer(normalizer, &mut steps)?;
    }
    match file.pre_tokenizer.as_ref().map_or("null", kind_of) {
        "BertPreTokenizer" => {}
        kind => return Err(unsupported("pre_tokenizer", kind)),
    }

    let ModelFile { model } = serde_json::from_slice(bytes)?;
    let pieces = checked(model.vocab.0)?;
    let by_text: HashMap<&str, u32> = pieces.iter().map(|(text, id)| (text.as_str(), *id)).collect();
    let Some(&unknown) = by_text.get(model.unk_token.as_str()) else {
        return Err(TokenizerError::MissingUnknown { token: model.unk_token });
    };
    let wordpiece = WordPiece::new(
        by_text.iter().map(|(&text, &id)| (text, id)),
        &model.continuing_subword_prefix,
        unknown,
        model.max_input_chars_per_word,
    );

    let normalizer = Normalizer::new(steps);
    let (raw, normalized, new) = read_added(file.added_tokens, &by_text, &normalizer)?;
    drop(by_text);
    let tokens = by_id(pieces, new);
    let [single, pair] = read_templates(file.post_processor.as_ref(), tokens.len())?;
    Ok(Contents { tokens, raw, normalizer, normalized, wordpiece, single, pair })
}

const UNTYPED: &str = "(none)";

fn kind_of(part: &Value) -> &str {
    part.get("type").and_then(Value::as_str).unwrap_or(UNTYPED)
}

fn unsupported(component: &'static str, kind: &str) -> TokenizerError {
    TokenizerError::Unsupported { component, kind: kind.to_owned() }
}

fn parse<T: DeserializeOwned>(part: &Value) -> Result<T, TokenizerError> {
    Ok(T::deserialize(part)?)
}

#[derive(Deserialize)]
struct BertNormalizer {
    clean_text: bool,
    handle_chinese_chars: bool,
    strip_accents: Option<bool>,
    lowercase: bool,
}

#[derive(Deserialize)]
struct NormalizerSequence {
    normalizers: Vec<Value>,
}

fn read_normalizer(part: &Value, steps: &mut Vec<Step>) -> Result<(), TokenizerError> {
    match kind_of(part) {
        "BertNormalizer" => {
            let bert: BertNormalizer = parse(part)?;
            if bert.clean_text {
                steps.push(Step::Clean);
            }
            if bert.handle_chinese_chars {
                steps.push(Step::SpaceIdeographs);
            }
            if bert.strip_accents.unwrap_or(bert.lowercase) {
                steps.extend([Step::Decompose, Step::DropNonspacingMarks]);
            }
            if bert.lowercase {
                steps.push(Step::Lowercase);
            }
        }
        "NFD" => steps.push(Step::Decompose),
        "StripAccents" => steps.push(Step::DropMarks),
        "Lowercase" => steps.push(Step::Lowercase),
        // serde_json limits the depth of nested values, and so the depth of this recursion.
        "Sequence" => {
            for part in &parse::<NormalizerSequence>(part)?.normalizers {
                read_normalizer(part, steps)?;
            }
        }
        kind => return Err(unsupported("normalizer", kind)),
    }
    Ok(())
}

/// The pairs of the `vocab` object in file order. Repeated keys are kept, so that they can be
/// reported.
struct Vocabulary(Vec<Piece>);

/// A token and its id.
type Piece = (String, u32);

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Vocabulary;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of pieces and ids")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vocabulary, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Vocabulary(pairs))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}

/// The pieces, if no two of them share a text or an id. Their ids may have holes.
fn checked(mut pairs: Vec<Piece>) -> Result<Vec<Piece>, TokenizerError> {
    let mut seen = HashSet::with_capacity(pairs.len());
    if let Some((piece, _)) = pairs.iter().find(|(piece, _)| !seen.insert(piece.as_str())) {
        return Err(TokenizerError::DuplicatePiece { piece: piece.clone() });
    }
    drop(seen);
    pairs.sort_by_key(|&(_, id)| id);
    if let Some([first, second]) = pairs.array_windows().find(|[first, second]| first.1 == second.1) {
        let (first, second, id) = (first.0.clone(), second.0.clone(), first.1);
        return Err(TokenizerError::DuplicateId { id, first, second });
    }
    match pairs.last() {
        Some((piece, id)) if *id >= MAX_IDS => {
            Err(TokenizerError::IdTooLarge { piece: piece.clone(), id: *id, limit: MAX_IDS })
        }
        _ => Ok(pairs),
    }
}

/// The token of each id. An added token in a hole of the vocabulary may get the id of a piece; then
/// the piece stays.
fn by_id(pieces: Vec<Piece>, added: Vec<Piece>) -> Vec<Option<String>> {
    let mut tokens = Vec::new();
    for (text, id) in pieces.into_iter().chain(added) {
        let id = id as usize;
        if id >= tokens.len() {
            tokens.resize(id + 1, None);
        }
        tokens[id].get_or_insert(text);
    }
    tokens
}

/// Returns the matcher for the raw text, the matcher for the normalized text, and the tokens that
/// the vocabulary does not contain, with their ids.
fn read_added(
    added: Vec<AddedToken>,
    by_text: &HashMap<&str, u32>,
    normalizer: &Normalizer,
) -> Result<(Matcher, Matcher, Vec<Piece>), TokenizerError> {
    let mut new = Vec::new();
    // `tokenizers` counts the pieces, even if their ids have holes.
    let mut next = by_text.len() as u32;
    let mut seen = HashSet::new();
    // Each list begins with the special tokens, so that a special token wins over a plain one that
    // normalizes to the same text.
    let mut lists: [[Vec<(String, Rule)>; 2]; 2] = Default::default();
    // Empty tokens are ignored, as in `tokenizers`.
    for token in added.into_iter().filter(|token| !token.content.is_empty()) {
        let AddedToken { id: stated, content, .. } = token;
        if !seen.insert(content.clone()) {
            return Err(TokenizerError::DuplicateAddedToken { token: content });
        }
        let id = match by_text.get(content.as_str()) {
            Some(&id) => id,
            None => {
                new.push((content.clone(), next));
                next += 1;
                next - 1
            }
        };
        if id != stated {
            return Err(TokenizerError::AddedTokenId { token: content, stated, id });
        }
        let pattern =
            if token.normalized { normalizer.normalize(&content).into_owned() } else { content.clone() };
        if pattern.is_empty() {
            return Err(TokenizerError::EmptyAddedToken { token: content });
        }
        let rule =
            Rule { id, single_word: token.single_word, left_strip: token.lstrip, right_strip: token.rstrip };
        lists[usize::from(token.normalized)][usize::from(!token.special)].push((pattern, rule));
    }
    let [raw, normalized] = lists.map(|[special, plain]| Matcher::new(&[special, plain].concat()));
    Ok((raw, normalized, new))
}

#[derive(Deserialize)]
struct TemplateProcessing {
    single: Vec<TemplatePiece>,
    pair: Vec<TemplatePiece>,
    special_tokens: HashMap<String, SpecialToken>,
}

#[derive(Deserialize)]
enum TemplatePiece {
    Sequence { id: Sequence, type_id: u8 },
    SpecialToken { id: String, type_id: u8 },
}

#[derive(Clone, Copy, Deserialize)]
enum Sequence {
    A,
    B,
}

#[derive(Deserialize)]
struct SpecialToken {
    ids: Vec<u32>,
}

#[derive(Deserialize)]
struct BertProcessing {
    sep: (String, u32),
    cls: (String, u32),
}

/// The templates for one text and for two.
fn read_templates(part: Option<&Value>, vocab_size: usize) -> Result<[Template; 2], TokenizerError> {
    let text = |index, type_id| Element::Text { index, type_id };
    let Some(part) = part else {
        let pair = vec![text(0, 0), text(1, 1)];
        return Ok([Template::new("single", 1, vec![text(0, 0)])?, Template::new("pair", 2, pair)?]);
    };
    let (single, pair) = match kind_of(part) {
        "BertProcessing" => {
            let BertProcessing { sep, cls } = parse(part)?;
            for (token, id) in [&sep, &cls] {
                check_id(token, *id, vocab_size)?;
            }
            let special = |id, type_id| Element::Special { ids: vec![id], type_id };
            let single = vec![special(cls.1, 0), text(0, 0), special(sep.1, 0)];
            let pair = [single.clone(), vec![text(1, 1), special(sep.1, 1)]].concat();
            (single, pair)
        }
        "TemplateProcessing" => {
            let file: TemplateProcessing = parse(part)?;
            for (token, special) in &file.special_tokens {
                for &id in &special.ids {
                    check_id(token, id, vocab_size)?;
                }
            }
            (
                elements("single", file.single, &file.special_tokens)?,
                elements("pair", file.pair, &file.special_tokens)?,
            )
        }
        kind => return Err(unsupported("post_processor", kind)),
    };
    Ok([Template::new("single", 1, single)?, Template::new("pair", 2, pair)?])
}

fn elements(
    template: &'static str,
    pieces: Vec<TemplatePiece>,
    special_tokens: &HashMap<String, SpecialToken>,
) -> Result<Vec<Element>, TokenizerError> {
    let element = |piece| match piece {
        TemplatePiece::Sequence { id, type_id } => Ok(Element::Text { index: id as usize, type_id }),
        TemplatePiece::SpecialToken { id, type_id } => match special_tokens.get(&id) {
            Some(special) => Ok(Element::Special { ids: special.ids.clone(), type_id }),
            None => Err(TokenizerError::TemplateToken { template, token: id }),
        },
    };
    pieces.into_iter().map(element).collect()
}

fn check_id(token: &str, id: u32, vocab_size: usize) -> Result<(), TokenizerError> {
    if (id as usize) < vocab_size {
        return Ok(());
    }
    Err(TokenizerError::SpecialTokenId { token: token.to_owned(), id, vocab_size })
}
