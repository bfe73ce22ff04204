//! The model `BPE` of a file, at the level of bytes.

use std::collections::HashMap;

use serde::Deserialize;

use super::part::unsupported;
use super::pieces::{Vocabulary, checked};
use crate::bpe::{Bpe, Merge};
use crate::byte_level::char_of;
use crate::error::TokenizerError;
use crate::tokens::Tokens;

#[derive(Deserialize)]
struct File {
    model: Model,
}

#[derive(Deserialize)]
struct Model {
    vocab: Vocabulary,
    merges: Vec<Pair>,
    dropout: Option<f64>,
    continuing_subword_prefix: Option<String>,
    end_of_word_suffix: Option<String>,
    byte_fallback: Option<bool>,
    ignore_merges: Option<bool>,
}

/// The two pieces of a merge: a list of them, or in old files a text with a space between them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Pair {
    Two(String, String),
    Text(String),
}

impl Pair {
    /// The pieces; `None` if a text has no space, or several.
    fn pieces(&self) -> Option<(&str, &str)> {
        match self {
            Pair::Two(left, right) => Some((left, right)),
            Pair::Text(text) => text.split_once(' ').filter(|(_, right)| !right.contains(' ')),
        }
    }
}

/// The model, its pieces by id, and their number.
pub(super) fn read(bytes: &[u8]) -> Result<(Bpe, Tokens, usize), TokenizerError> {
    let File { model } = serde_json::from_slice(bytes)?;
    let is_set = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    for (set, kind) in [
        (model.dropout.is_some_and(|dropout| dropout != 0.0), "BPE with dropout"),
        (is_set(&model.continuing_subword_prefix), "BPE with continuing_subword_prefix"),
        (is_set(&model.end_of_word_suffix), "BPE with end_of_word_suffix"),
        (model.byte_fallback == Some(true), "BPE with byte_fallback"),
    ] {
        if set {
            return Err(unsupported("model", kind));
        }
    }
    let pieces = checked(model.vocab.0)?;
    let mut tokens = Tokens::default();
    pieces.iter().for_each(|(text, id)| tokens.set(*id, text));
    let ids: HashMap<String, u32> = pieces.into_iter().collect();
    let count = ids.len();
    let mut merges = Vec::with_capacity(model.merges.len());
    // Old lists may begin with a line that states their version.
    let is_version = |pair: &&Pair| matches!(pair, Pair::Text(text) if text.starts_with("#version"));
    for (rank, pair) in model.merges.iter().filter(|pair| !is_version(pair)).enumerate() {
        let merge = pair.pieces().and_then(|(left, right)| {
            let merged = *ids.get(&format!("{left}{right}"))?;
            Some(Merge { pair: (*ids.get(left)?, *ids.get(right)?), merged })
        });
        merges.push(merge.ok_or(TokenizerError::Merge { rank })?);
    }
    let bpe = Bpe::new(ids, merges, model.ignore_merges == Some(true));
    let bpe = bpe.map_err(|byte| TokenizerError::MissingByte { byte, piece: char_of(byte) })?;
    Ok((bpe, tokens, count))
}
