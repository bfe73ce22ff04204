//! Section 8 of `SPEC.md`: the embedding sum.

use alloc::vec::Vec;
use core::ops::Deref;

use crate::layer_norm::clamp_sum;
use crate::range::{RangeError, check, check_all, check_len};

/// The three embedding tables. `W` holds 8-bit and `S` 16-bit numbers: vectors here, and bytes of
/// the run-time file in `lockstep-folder`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Embedding<W = Vec<i8>, S = Vec<i16>> {
    /// Width of a row.
    pub hidden: usize,
    /// Shape `[vocabulary, D]`, each in [-127, 127].
    pub words: W,
    /// Shape `[vocabulary]`, each in [0, 4095].
    pub word_scales: S,
    /// Shape `[positions, D]`.
    pub positions: S,
    /// Shape `[types, D]`.
    pub types: S,
    /// Shift of the position and type rows, in [0, 7].
    pub table_shift: i32,
}

impl<W, S: Deref<Target = [i16]>> Embedding<W, S> {
    /// Size of the vocabulary.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.word_scales.len()
    }

    /// Number of positions, which is the length of the longest sequence.
    #[must_use]
    pub fn position_count(&self) -> usize {
        self.positions.len() / self.hidden
    }

    /// Number of token types.
    #[must_use]
    pub fn type_count(&self) -> usize {
        self.types.len() / self.hidden
    }
}

impl Embedding {
    /// Checks shapes and ranges.
    ///
    /// # Errors
    /// [`RangeError`] with the first parameter that is out of range.
    pub fn validate(&self) -> Result<(), RangeError> {
        let name = "embedding";
        check(name, "vocabulary", self.vocabulary() as i64, 1, 1 << 24)?;
        check_len(name, "words", self.words.len(), self.vocabulary() * self.hidden)?;
        check(name, "positions", self.position_count() as i64, 1, 512)?;
        check_len(name, "positions", self.positions.len(), self.position_count() * self.hidden)?;
        check(name, "types", self.type_count() as i64, 1, 16)?;
        check_len(name, "types", self.types.len(), self.type_count() * self.hidden)?;
        check(name, "table_shift", self.table_shift.into(), 0, 7)?;
        check_all(name, "words", self.words.iter().map(|&w| w.into()), -127, 127)?;
        check_all(name, "word_scales", self.word_scales.iter().map(|&s| s.into()), 0, 4095)
    }

    /// (32) of the token `id` of type `type_id` at `position`, with the clamp of (12).
    #[must_use]
    pub fn sums(&self, id: usize, type_id: usize, position: usize) -> Vec<i32> {
        let row = |i: usize| i * self.hidden..(i + 1) * self.hidden;
        let scale = i32::from(self.word_scales[id]);
        let tables = self.positions[row(position)].iter().zip(&self.types[row(type_id)]);
        self.words[row(id)]
            .iter()
            .zip(tables)
            .map(|(&w, (&p, &t))| {
                clamp_sum(i32::from(w) * scale + ((i32::from(p) + i32::from(t)) << self.table_shift))
            })
            .collect()
    }
}
