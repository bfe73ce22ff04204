//! The size of an engine: what the capability block says of it.

use crate::Error;

/// Side of the array and depths of the scratchpads in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Engine {
    /// Side of the array: 8, 16, 32 or 64. A word is as many lanes, a word of card memory as many bytes.
    pub lanes: usize,
    /// Operand rows.
    pub a: usize,
    /// Keys and values.
    pub b: usize,
    /// Weights of the softmax.
    pub p: usize,
    /// 16-bit rows.
    pub v: usize,
    /// Sums and scores.
    pub y: usize,
}

/// Rows of the table of row scales.
pub(crate) const ROW_SCALES: usize = 128;
/// Entries of the drain's statistics.
pub(crate) const STATISTICS: usize = 256;
/// Slots for scores and weights of the softmax.
pub(crate) const SLOTS: usize = 4;
/// Channels of each of the three parts of memory G.
pub(crate) const CHANNELS: usize = 1024;

impl Engine {
    /// The depths that `ls_engine` has by default.
    #[must_use]
    pub const fn new(lanes: usize) -> Self {
        Self { lanes, a: 32768, b: 16384, p: 2048, v: 32768, y: 8192 }
    }

    /// Bytes from one instruction of a program to the next.
    #[must_use]
    pub const fn instruction_bytes(&self) -> usize {
        if self.lanes > 32 { self.lanes } else { 32 }
    }
}

/// What a program depends on beside the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) hidden: usize,
    pub(crate) heads: usize,
    pub(crate) width: usize,
    pub(crate) intermediate: usize,
}

impl Shape {
    /// Channels that are projected together: whole heads and whole panels.
    pub(crate) fn group(&self, engine: &Engine) -> usize {
        self.width.max(engine.lanes)
    }

    pub(crate) fn check(&self, engine: &Engine) -> Result<(), Error> {
        let n = engine.lanes;
        let wrong = |what, value, allowed: String| Err(Error::Shape { what, value, allowed });
        if ![8, 16, 32, 64].contains(&n) {
            return wrong("side of the array", n, "8, 16, 32 or 64".into());
        }
        if ![32, 64].contains(&self.width) {
            return wrong("head width", self.width, "32 or 64".into());
        }
        if self.hidden > CHANNELS || !self.hidden.is_multiple_of(32.max(n)) {
            return wrong("hidden size", self.hidden, format!("multiples of {} up to {CHANNELS}", 32.max(n)));
        }
        if self.intermediate > 4096 || !self.intermediate.is_multiple_of(n) {
            return wrong("intermediate size", self.intermediate, format!("multiples of {n} up to 4096"));
        }
        Ok(())
    }
}

/// Where things are in the scratchpads for a number of tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) tiles: usize,
    /// Tokens of the last tile.
    pub(crate) last: usize,
    pub(crate) stream: usize,
    pub(crate) queries: usize,
    pub(crate) keys: usize,
    pub(crate) values: usize,
    pub(crate) context: usize,
    /// Rows behind the activation; they share the place of the projections.
    pub(crate) rows: usize,
    pub(crate) sums: usize,
    pub(crate) scores: usize,
    pub(crate) slot: usize,
    pub(crate) a_input: usize,
    pub(crate) a_queries: usize,
    pub(crate) a_rows: usize,
    pub(crate) b_keys: usize,
    pub(crate) b_values: usize,
}

impl Layout {
    pub(crate) fn new(engine: &Engine, shape: &Shape, tokens: usize) -> Result<Self, Error> {
        let n = engine.lanes;
        let tiles = tokens.div_ceil(n);
        if tokens == 0 || tokens > 512 {
            return Err(Error::Shape { what: "number of tokens", value: tokens, allowed: "1 to 512".into() });
        }
        let block = tiles * shape.hidden;
        let slot = tiles * n;
        let layout = Self {
            tiles,
            last: tokens - (tiles - 1) * n,
            stream: 0,
            queries: block,
            keys: 2 * block,
            values: 3 * block,
            context: 4 * block,
            rows: block,
            sums: 0,
            scores: block,
            slot,
            a_input: 0,
            a_queries: block,
            a_rows: 2 * block,
            b_keys: 0,
            b_values: block,
        };
        let rows = tiles * shape.intermediate;
        let needs = [
            ("words of memory V", block + rows.max(4 * block), engine.v),
            ("words of memory Y", block + SLOTS * slot, engine.y),
            ("words of memory A", 2 * block + rows, engine.a),
            ("words of memory B", 2 * block, engine.b),
            ("words of memory P", SLOTS * slot, engine.p),
            ("row scales", 4 * tiles, ROW_SCALES),
            ("statistics", 3 * tiles + 3 * shape.heads + SLOTS, STATISTICS),
        ];
        for (what, value, limit) in needs {
            if value > limit {
                return Err(Error::Shape { what, value, allowed: format!("up to {limit}") });
            }
        }
        Ok(layout)
    }
}
