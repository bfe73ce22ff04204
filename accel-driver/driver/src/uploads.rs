//! Copies to card memory, in pieces. Each piece is copied back and compared.

use std::collections::{HashMap, VecDeque};

use crate::part::Part;

/// A piece of a part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub(crate) part: Part,
    /// The number of the upload, so that a piece of an upload that failed is not taken for a piece
    /// of the next one.
    upload: u64,
    /// First byte in the part.
    pub(crate) at: usize,
    pub(crate) bytes: usize,
    /// The piece is in card memory, and is copied back.
    pub(crate) back: bool,
}

/// The pieces that wait for a job, and the uploads that are not complete.
#[derive(Debug, Default)]
pub(crate) struct Uploads {
    waiting: VecDeque<Piece>,
    /// For each upload its part, and how many pieces are not compared yet.
    left: HashMap<u64, (Part, usize)>,
    next: u64,
}

impl Uploads {
    /// Starts to copy a part of `bytes` bytes in pieces of at most `most` bytes.
    pub(crate) fn start(&mut self, part: Part, bytes: usize, most: usize) {
        let upload = self.next;
        self.next += 1;
        let before = self.waiting.len();
        let pieces = (0..bytes).step_by(most.max(1));
        self.waiting.extend(pieces.map(|at| {
            let bytes = most.max(1).min(bytes - at);
            Piece { part, upload, at, bytes, back: false }
        }));
        self.left.insert(upload, (part, self.waiting.len() - before));
    }

    /// The piece that is next.
    pub(crate) fn first(&self) -> Option<Piece> {
        self.waiting.front().copied()
    }

    /// The first piece has its job.
    pub(crate) fn advance(&mut self) {
        self.waiting.pop_front();
    }

    /// Whether a piece belongs to an upload that has not failed.
    pub(crate) fn knows(&self, piece: &Piece) -> bool {
        self.left.contains_key(&piece.upload)
    }

    /// A piece is in card memory; it must be copied back.
    pub(crate) fn copied(&mut self, piece: Piece) {
        self.waiting.push_front(Piece { back: true, ..piece });
    }

    /// A piece was copied back and is right. Returns whether its part is complete.
    pub(crate) fn compared(&mut self, piece: &Piece) -> bool {
        let Some((_, left)) = self.left.get_mut(&piece.upload) else { return false };
        *left -= 1;
        let complete = *left == 0;
        if complete {
            self.left.remove(&piece.upload);
        }
        complete
    }

    /// Gives the upload of a piece up.
    pub(crate) fn give_up(&mut self, piece: &Piece) {
        self.left.remove(&piece.upload);
        self.waiting.retain(|other| other.upload != piece.upload);
    }

    /// Gives all uploads up.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
        self.left.clear();
    }
}
