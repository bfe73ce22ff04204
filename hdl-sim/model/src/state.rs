//! The memories of the engine.

use lockstep_accel_abi::engine::{
    HIDDEN_MAX, MEMORY_A, MEMORY_B, MEMORY_G, MEMORY_P, MEMORY_V, MEMORY_Y, ROW_SCALES, SOFTMAX_SLOTS,
    STATISTICS,
};
use lockstep_arith::attention::{ContextScale, HeadScale};

use crate::ram::Ram;
use crate::requantise::RowScale;
use crate::statistics::{Entry, Statistics};

/// What units leave for one another.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) lanes: usize,
    pub(crate) a: Ram<i8>,
    pub(crate) b: Ram<i8>,
    pub(crate) p: Ram<i16>,
    pub(crate) v: Ram<i16>,
    /// 24 bits a number.
    pub(crate) y: Ram<i32>,
    /// Four numbers a channel.
    pub(crate) g: Ram<[i16; 4]>,
    pub(crate) row_scales: Ram<RowScale>,
    pub(crate) statistics: Statistics,
    pub(crate) words: Words,
    pub(crate) scalars: Scalars,
}

/// The rows of the gathered words, by lane.
#[derive(Debug)]
pub(crate) struct Words {
    /// [`HIDDEN_MAX`] channels a lane.
    pub(crate) rows: Vec<i8>,
    /// 12 bits.
    pub(crate) scales: Vec<i32>,
    pub(crate) types: Vec<usize>,
}

/// Results of scalar steps and of passes, which later ones use.
#[derive(Debug)]
pub(crate) struct Scalars {
    /// The entry that was read for the last pass that takes statistics.
    pub(crate) latched: Vec<Entry>,
    pub(crate) mean: Vec<i32>,
    /// `e` of (13).
    pub(crate) spread: Vec<i32>,
    pub(crate) rho: Vec<i16>,
    /// `h` and `r` of the rows or of the block.
    pub(crate) shift: Vec<i32>,
    pub(crate) reciprocal: Vec<i16>,
    pub(crate) head: HeadScale,
    /// The greatest magnitudes of queries, keys and values of heads.
    pub(crate) blocks: [i16; 64],
    /// By softmax slot and lane.
    pub(crate) contexts: Vec<Vec<ContextScale>>,
    /// What passes sum and compare themselves.
    pub(crate) own_sum: Vec<u32>,
    pub(crate) own_max: Vec<u16>,
}

impl State {
    /// Memories of zeros, with the depths that the interface names.
    pub(crate) fn new(lanes: usize) -> Self {
        Self {
            lanes,
            a: Ram::new(MEMORY_A.words(lanes), lanes),
            b: Ram::new(MEMORY_B.words(lanes), lanes),
            p: Ram::new(MEMORY_P.words(lanes), lanes),
            v: Ram::new(MEMORY_V.words(lanes), lanes),
            y: Ram::new(MEMORY_Y.words(lanes), lanes),
            g: Ram::new(MEMORY_G.words(lanes), lanes / 8),
            row_scales: Ram::new(ROW_SCALES.words(lanes), lanes),
            statistics: Statistics::new(STATISTICS.words(lanes), lanes),
            words: Words { rows: vec![0; lanes * HIDDEN_MAX], scales: vec![0; lanes], types: vec![0; lanes] },
            scalars: Scalars {
                latched: vec![Entry::default(); lanes],
                mean: vec![0; lanes],
                spread: vec![0; lanes],
                rho: vec![0; lanes],
                shift: vec![0; lanes],
                reciprocal: vec![0; lanes],
                head: HeadScale { factor: 0, shift: 0 },
                blocks: [0; 64],
                contexts: vec![vec![ContextScale { shift: 0, factor: 0 }; lanes]; SOFTMAX_SLOTS],
                own_sum: vec![0; lanes],
                own_max: vec![0; lanes],
            },
        }
    }

    /// The four parameters of a channel in memory G.
    pub(crate) fn parameters(&self, channel: usize) -> [i16; 4] {
        let per_word = self.lanes / 8;
        self.g.word(channel % (1 << 12) / per_word)[channel % per_word]
    }
}

/// Cut to `bits` bits, with the sign.
pub(crate) const fn signed(x: i32, bits: u32) -> i32 {
    x << (32 - bits) >> (32 - bits)
}
