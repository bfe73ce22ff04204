//! Unigram: splits a word into the pieces whose scores have the greatest sum.
//!
//! The best split of each beginning of the word is found from the best splits of the shorter ones
//! (Viterbi's algorithm), in time proportional to the length of the word and of the longest piece.
//! A character that is no piece counts as unknown, with a score below that of every piece. Unknown
//! characters side by side become one unknown token, or, with `byte_fallback`, the tokens of their
//! bytes.
//!
//! Sums and comparisons are those of `tokenizers`, in the same order: additions of `f64`, which are
//! the same everywhere. Of equal sums the one that was found first wins.

use std::ops::Range;

use crate::pieces::Pieces;
use crate::trie::Trie;

/// How far the score of an unknown character is below the least score.
const UNKNOWN_PENALTY: f64 = 10.0;

/// The pieces of a vocabulary and their scores.
pub(crate) struct Unigram {
    pieces: Trie,
    /// The score of each id.
    scores: Vec<f64>,
    unknown: u32,
    unknown_score: f64,
    /// The id of each byte's piece, `<0x41>`, where unknown characters become bytes.
    bytes: Option<Box<[Option<u32>; 256]>>,
}

/// The best split of a beginning of the word.
#[derive(Clone, Copy, Default)]
pub(crate) struct Best {
    score: f64,
    /// Length of its last piece in bytes; 0 if no split has been found yet.
    length: u32,
    /// Id of its last piece.
    id: u32,
}

impl Unigram {
    /// `pieces` are texts and ids, from the last id to the first: of equal texts the last id
    /// counts. `unknown` is the id of the unknown token; `scores` has one score for each id.
    pub(crate) fn new<'a>(
        pieces: impl IntoIterator<Item = (&'a str, u32)>,
        scores: Vec<f64>,
        unknown: u32,
        byte_fallback: bool,
    ) -> Unigram {
        let pieces = Trie::new(pieces);
        let least = scores.iter().copied().fold(f64::INFINITY, f64::min);
        let of_byte = |byte: usize| pieces.value(&format!("<0x{byte:02X}>"));
        let bytes = byte_fallback.then(|| Box::new(std::array::from_fn(of_byte)));
        Unigram { pieces, scores, unknown, unknown_score: least - UNKNOWN_PENALTY, bytes }
    }

    /// The id of exactly this piece.
    pub(crate) fn id(&self, piece: &str) -> Option<u32> {
        self.pieces.value(piece)
    }

    /// Appends the ids of one word. `best` is memory that calls share.
    pub(crate) fn tokenize(&self, word: &str, best: &mut Vec<Best>, pieces: &mut Pieces) {
        self.find_best(word, best);
        let before = pieces.len();
        // From the end of the word to its begin; then turned round.
        let mut end = word.len();
        let mut unknown_end = end;
        while end > 0 {
            let Best { length, id, .. } = best[end];
            let start = end - length as usize;
            if id != self.unknown {
                self.push_unknown(word, end..unknown_end, pieces);
                pieces.push(id, start..end);
                unknown_end = start;
            }
            end = start;
        }
        self.push_unknown(word, 0..unknown_end, pieces);
        pieces.reverse(before);
    }

    /// Fills `best`: its element `n` is the best split of the first `n` bytes.
    fn find_best(&self, word: &str, best: &mut Vec<Best>) {
        best.clear();
        best.resize(word.len() + 1, Best::default());
        for (start, c) in word.char_indices() {
            let here = best[start].score;
            let mut offer = |length: usize, id: u32, score: f64| {
                let target = &mut best[start + length];
                let score = score + here;
                if target.length == 0 || score > target.score {
                    *target = Best { score, length: length as u32, id };
                }
            };
            let mut is_piece = false;
            self.pieces.for_each(Trie::ROOT, &word.as_bytes()[start..], |length, id| {
                offer(length, id, self.scores[id as usize]);
                is_piece |= length == c.len_utf8();
            });
            if !is_piece {
                offer(c.len_utf8(), self.unknown, self.unknown_score);
            }
        }
    }

    /// Appends the tokens of a sequence of unknown characters, the last one first.
    fn push_unknown(&self, word: &str, place: Range<usize>, pieces: &mut Pieces) {
        let text = &word[place.clone()];
        if text.is_empty() {
            return;
        }
        // The whole sequence may be a piece, such as the unknown token itself.
        if let Some(id) = self.id(text) {
            return pieces.push(id, place);
        }
        let before = pieces.len();
        if let Some(bytes) = &self.bytes {
            // Each byte stands for the whole sequence.
            let known = text.bytes().rev().map_while(|byte| bytes[usize::from(byte)]);
            known.for_each(|id| pieces.push(id, place.clone()));
            if pieces.len() - before == text.len() {
                return;
            }
        }
        pieces.truncate(before);
        pieces.push(self.unknown, place);
    }
}
