//! The model `Unigram` of a file.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};

use crate::error::TokenizerError;
use crate::tokens::Tokens;
use crate::unigram::Unigram;

#[derive(Deserialize)]
struct File {
    model: Model,
}

#[derive(Deserialize)]
struct Model {
    vocab: Vocabulary,
    unk_id: Option<u32>,
    #[serde(default)]
    byte_fallback: bool,
}

/// The pairs of a piece and its score, as they are read.
#[derive(Default)]
struct Vocabulary {
    pieces: Tokens,
    scores: Vec<f64>,
}

/// A text of the file. It is copied only if it has escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The model, its pieces by id, and their number.
pub(super) fn read(bytes: &[u8]) -> Result<(Unigram, Tokens, usize), TokenizerError> {
    let File { model: Model { vocab, unk_id, byte_fallback } } = serde_json::from_slice(bytes)?;
    let Vocabulary { pieces, scores } = vocab;
    let count = scores.len();
    let unknown = unk_id.filter(|&id| (id as usize) < count);
    let unknown = unknown.ok_or(TokenizerError::UnknownId { id: unk_id, pieces: count })?;
    let unigram = Unigram::new(pieces.iter().rev(), scores, unknown, byte_fallback);
    Ok((unigram, pieces, count))
}

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Vocabulary;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of pieces and scores")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut pairs: A) -> Result<Vocabulary, A::Error> {
                let mut vocabulary = Vocabulary::default();
                while let Some((Text(piece), score)) = pairs.next_element::<(Text<'de>, f64)>()? {
                    vocabulary.pieces.set(vocabulary.scores.len() as u32, &piece);
                    vocabulary.scores.push(score);
                }
                Ok(vocabulary)
            }
        }

        deserializer.deserialize_seq(Pairs)
    }
}
