//! WordPiece: splits a word into pieces of the vocabulary.
//!
//! The first piece is the longest one that the word begins with. Then the longest *continuing*
//! piece that the rest begins with follows, until nothing is left. If a rest begins with no piece,
//! the whole word becomes the unknown token.

use crate::pieces::Pieces;
use crate::trie::{Node, Trie};

/// The pieces of a vocabulary, arranged for matching.
pub(crate) struct WordPiece {
    pieces: Trie,
    /// The node above all continuing pieces, if there are any.
    continuing: Option<Node>,
    unknown: u32,
    /// A word with more characters than this becomes the unknown token.
    max_chars: u64,
}

impl WordPiece {
    /// `pieces` are texts and ids, `unknown` is one of the texts. A piece that begins with `prefix`
    /// continues a word. `None` if `unknown` is missing.
    pub(crate) fn new<'a>(
        pieces: impl IntoIterator<Item = (&'a str, u32)>,
        prefix: &str,
        unknown: &str,
        max_chars: u64,
    ) -> Option<WordPiece> {
        let pieces = Trie::new(pieces);
        let continuing = pieces.descend(prefix);
        Some(WordPiece { continuing, unknown: pieces.value(unknown)?, max_chars, pieces })
    }

    /// The id of exactly this piece.
    pub(crate) fn id(&self, piece: &str) -> Option<u32> {
        self.pieces.value(piece)
    }

    /// Appends the ids of one word.
    pub(crate) fn tokenize(&self, word: &str, pieces: &mut Pieces) {
        let before = pieces.len();
        if !self.is_too_long(word) && self.match_pieces(word, pieces).is_some() {
            return;
        }
        pieces.truncate(before);
        pieces.push(self.unknown, 0..word.len());
    }

    fn is_too_long(&self, word: &str) -> bool {
        word.len() as u64 > self.max_chars && word.chars().count() as u64 > self.max_chars
    }

    /// Appends the ids of the word's pieces. `None` if some rest of the word begins with no piece.
    fn match_pieces(&self, word: &str, pieces: &mut Pieces) -> Option<()> {
        let bytes = word.as_bytes();
        let (length, id) = self.pieces.longest(Trie::ROOT, bytes)?;
        pieces.push(id, 0..length);
        // Pieces are whole UTF-8 strings, so each ends where a character of the word ends.
        let mut at = length;
        while at < bytes.len() {
            let (length, id) = self.pieces.longest(self.continuing?, &bytes[at..])?;
            pieces.push(id, at..at + length);
            at += length;
        }
        Some(())
    }
}
