//! Byte-level BPE: merges neighbouring pieces of a word, in the order of their ranks.
//!
//! A word is a sequence of bytes, each written as a visible character and each a piece. Of all
//! pairs of neighbours that have a merge, the one with the least rank is merged first, and of equal
//! ones the one that is farthest to the left.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use crate::byte_level::char_of;
use crate::pieces::Pieces;

/// One more than the greatest character of a byte.
const CHARS: usize = 0x144;

/// A merge of two pieces.
#[derive(Clone, Copy)]
pub(crate) struct Merge {
    /// The ids of the pieces.
    pub(crate) pair: (u32, u32),
    /// The id of the piece that they become.
    pub(crate) merged: u32,
}

/// The pieces of a vocabulary and their merges.
pub(crate) struct Bpe {
    ids: HashMap<String, u32>,
    /// The id of each byte's character.
    bytes: Box<[u32; CHARS]>,
    /// Rank and result of the merge of a pair.
    merges: HashMap<(u32, u32), (u32, u32)>,
    /// Whether a word that is a piece becomes this piece, whatever its merges.
    whole_words: bool,
}

/// A part of the word, in a list of parts.
struct Part {
    id: u32,
    /// Where the part ends, in bytes of the word.
    end: usize,
    /// The parts before and behind it; a number beyond all parts if there is none.
    before: usize,
    behind: usize,
    /// Whether the part before it has taken it.
    gone: bool,
}

const NOWHERE: usize = usize::MAX;

impl Bpe {
    /// `merges` stand in the order of their ranks; of equal pairs the last one counts. If a byte
    /// has no piece, it is the error.
    pub(crate) fn new(
        ids: HashMap<String, u32>,
        merges: impl IntoIterator<Item = Merge>,
        whole_words: bool,
    ) -> Result<Bpe, u8> {
        let mut bytes = Box::new([0; CHARS]);
        for byte in 0..=u8::MAX {
            let c = char_of(byte);
            bytes[c as usize] = *ids.get(c.encode_utf8(&mut [0; 4]) as &str).ok_or(byte)?;
        }
        let merges = merges.into_iter().zip(0..).map(|(merge, rank)| (merge.pair, (rank, merge.merged)));
        Ok(Bpe { ids, bytes, merges: merges.collect(), whole_words })
    }

    /// The id of exactly this piece.
    pub(crate) fn id(&self, piece: &str) -> Option<u32> {
        self.ids.get(piece).copied()
    }

    /// Appends the ids of one word, whose characters are those of bytes.
    pub(crate) fn tokenize(&self, word: &str, pieces: &mut Pieces) {
        if let Some(id) = self.id(word).filter(|_| self.whole_words) {
            return pieces.push(id, 0..word.len());
        }
        let mut parts: Vec<Part> = word
            .char_indices()
            .filter_map(|(at, c)| Some((self.bytes.get(c as usize)?, at + c.len_utf8())))
            .zip(0_usize..)
            .map(|((&id, end), at)| Part { id, end, before: at.wrapping_sub(1), behind: at + 1, gone: false })
            .collect();
        if let Some(last) = parts.last_mut() {
            last.behind = NOWHERE;
        }
        let mut queue = BinaryHeap::new();
        for at in 0..parts.len() {
            self.offer(&parts, at, &mut queue);
        }
        while let Some(Reverse((_, at, merged))) = queue.pop() {
            let Some(behind) = parts.get(parts[at].behind).filter(|_| !parts[at].gone) else { continue };
            // The parts may have changed since.
            let pair = (parts[at].id, behind.id);
            if self.merges.get(&pair).is_none_or(|&(_, result)| result != merged) {
                continue;
            }
            let (taken, next) = (parts[at].behind, behind.behind);
            parts[at].id = merged;
            parts[at].end = parts[taken].end;
            parts[at].behind = next;
            parts[taken].gone = true;
            if let Some(next) = parts.get_mut(next) {
                next.before = at;
            }
            self.offer(&parts, parts[at].before, &mut queue);
            self.offer(&parts, at, &mut queue);
        }
        let mut start = 0;
        for part in parts.iter().filter(|part| !part.gone) {
            pieces.push(part.id, start..part.end);
            start = part.end;
        }
    }

    /// Queues the merge of a part with the one behind it, if there is one.
    fn offer(&self, parts: &[Part], at: usize, queue: &mut BinaryHeap<Reverse<(u32, usize, u32)>>) {
        let Some(left) = parts.get(at) else { return };
        let Some(right) = parts.get(left.behind) else { return };
        if let Some(&(rank, merged)) = self.merges.get(&(left.id, right.id)) {
            queue.push(Reverse((rank, at, merged)));
        }
    }
}
