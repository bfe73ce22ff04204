//! The model: splits a word into pieces of the vocabulary.

use crate::bpe::Bpe;
use crate::pieces::Pieces;
use crate::unigram::{Best, Unigram};
use crate::wordpiece::WordPiece;

/// The models that a file may have.
pub(crate) enum Model {
    /// Longest pieces first.
    WordPiece(WordPiece),
    /// Bytes, merged by rank.
    Bpe(Bpe),
    /// The pieces with the greatest sum of scores.
    Unigram(Unigram),
}

/// Memory that the words of a text share.
#[derive(Default)]
pub(crate) struct Scratch {
    best: Vec<Best>,
}

impl Model {
    /// The id of exactly this piece.
    pub(crate) fn id(&self, piece: &str) -> Option<u32> {
        match self {
            Model::WordPiece(model) => model.id(piece),
            Model::Bpe(model) => model.id(piece),
            Model::Unigram(model) => model.id(piece),
        }
    }

    /// Appends the pieces of one word.
    pub(crate) fn tokenize(&self, word: &str, scratch: &mut Scratch, pieces: &mut Pieces) {
        match self {
            Model::WordPiece(model) => model.tokenize(word, pieces),
            Model::Bpe(model) => model.tokenize(word, pieces),
            Model::Unigram(model) => model.tokenize(word, &mut scratch.best, pieces),
        }
    }
}
