//! One head of the attention of one sequence: its input, and the buffers that hold its operands.

use alloc::vec::Vec;

use lockstep_arith::attention::ScoreScale;

#[cfg(target_arch = "x86_64")]
use super::lanes::LanesOfHead;
use super::pairs::PackedPairs;

/// One of the three parts of a projected row.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// Columns `0..D`.
    Query,
    /// Columns `D..2 D`.
    Key,
    /// Columns `2 D..3 D`.
    Value,
}

/// One head of one sequence of `n` tokens.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Queries, keys and values of all heads: `[n, 3 D]`.
    pub projected: &'a [i16],
    /// Hidden size `D`.
    pub hidden: usize,
    /// First column of the head, in each part and in the context: `index * width`.
    pub column: usize,
    /// Width `d` of the head; `column + width <= D`.
    pub width: usize,
    /// Scale of the scores.
    pub score: ScoreScale,
}

impl<'a> Head<'a> {
    /// Number of tokens `n`.
    #[must_use]
    pub const fn tokens(&self) -> usize {
        self.projected.len() / (3 * self.hidden)
    }

    /// The first column of a part of the head in a projected row.
    #[must_use]
    pub const fn first(&self, part: Part) -> usize {
        part as usize * self.hidden + self.column
    }

    /// The `width` numbers of a part of the head, for each token.
    pub fn rows(&self, part: Part) -> impl Iterator<Item = &'a [i16]> + use<'a> {
        let (first, width) = (self.first(part), self.width);
        self.projected.chunks_exact(3 * self.hidden).map(move |row| &row[first..first + width])
    }
}

/// Buffers for the operands of one head. Every head uses the same ones.
#[derive(Debug, Default)]
pub struct HeadBuffers {
    /// Quantised queries, `[n, d]`; `d` rounded up to an even number.
    pub(crate) queries: Vec<i16>,
    /// Quantised keys, `[d, n]`.
    pub(crate) keys: PackedPairs,
    /// Quantised values, `[n, d]`.
    pub(crate) values: PackedPairs,
    /// One quantised key or value.
    pub(crate) row: Vec<i16>,
    /// Scores of a block of queries.
    pub(crate) scores: Vec<i32>,
    /// Weights of the softmax of a block of queries.
    pub(crate) weights: Vec<i16>,
    /// Weighted sums of a block of queries.
    pub(crate) weighted: Vec<i32>,
    /// The operands of kernels in which each query has a lane of its own.
    #[cfg(target_arch = "x86_64")]
    pub(crate) lanes: LanesOfHead,
}
