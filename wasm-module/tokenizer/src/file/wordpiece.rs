//! The model `WordPiece` of a file.

use serde::Deserialize;

use super::pieces::{Vocabulary, checked};
use crate::error::TokenizerError;
use crate::tokens::Tokens;
use crate::wordpiece::WordPiece;

#[derive(Deserialize)]
struct File {
    model: Model,
}

#[derive(Deserialize)]
struct Model {
    vocab: Vocabulary,
    unk_token: String,
    continuing_subword_prefix: String,
    max_input_chars_per_word: u64,
}

/// The model, its pieces by id, and their number.
pub(super) fn read(bytes: &[u8]) -> Result<(WordPiece, Tokens, usize), TokenizerError> {
    let File { model } = serde_json::from_slice(bytes)?;
    let pieces = checked(model.vocab.0)?;
    let wordpiece = WordPiece::new(
        pieces.iter().map(|(text, id)| (text.as_str(), *id)),
        &model.continuing_subword_prefix,
        &model.unk_token,
        model.max_input_chars_per_word,
    );
    let wordpiece = wordpiece.ok_or(TokenizerError::MissingUnknown { token: model.unk_token })?;
    let mut tokens = Tokens::default();
    pieces.iter().for_each(|(text, id)| tokens.set(*id, text));
    Ok((wordpiece, tokens, pieces.len()))
}
