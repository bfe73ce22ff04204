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

/// Slots for scores and weights of the softmax.
pub(crate) const SLOTS: usize = 4;
/// Channels of each of the three parts of memory G: the greatest hidden size.
pub(crate) const CHANNELS: usize = 1024;
/// The greatest intermediate size.
const INTERMEDIATE: usize = 4096;
/// The longest sequence.
const TOKENS: usize = 512;

impl Engine {
    /// The depths that `ls_engine` has by default: those of the largest shape.
    #[must_use]
    pub const fn new(lanes: usize) -> Self {
        const fn words(channels: usize, lanes: usize) -> usize {
            match (channels * TOKENS).checked_div(lanes) {
                Some(words) => words,
                None => 0,
            }
        }
        Self {
            lanes,
            a: words(2 * CHANNELS + INTERMEDIATE, lanes),
            b: words(2 * CHANNELS, lanes),
            p: SLOTS * TOKENS,
            v: words(5 * CHANNELS, lanes),
            y: words(CHANNELS, lanes) + SLOTS * TOKENS,
        }
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
    /// Channels that are projected together: whole heads and whole panels. The last group may be cut short.
    pub(crate) fn group(&self, engine: &Engine) -> usize {
        self.width.max(engine.lanes)
    }

    /// Heads of a group.
    pub(crate) fn group_heads(&self, engine: &Engine) -> usize {
        self.group(engine) / self.width
    }

    /// Number of groups.
    pub(crate) fn groups(&self, engine: &Engine) -> usize {
        self.hidden.div_ceil(self.group(engine))
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
        if self.hidden > CHANNELS || !self.hidden.is_multiple_of(32) {
            return wrong("hidden size", self.hidden, format!("multiples of 32 up to {CHANNELS}"));
        }
        if !(1..=INTERMEDIATE).contains(&self.intermediate) {
            return wrong("intermediate size", self.intermediate, format!("1 to {INTERMEDIATE}"));
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
        if tokens == 0 || tokens > TOKENS {
            let allowed = format!("1 to {TOKENS}");
            return Err(Error::Shape { what: "number of tokens", value: tokens, allowed });
        }
        let block = tiles * shape.hidden;
        // Values lie in whole panels.
        let values = tiles * shape.hidden.next_multiple_of(n);
        let slot = tiles * n;
        let layout = Self {
            tiles,
            last: tokens - (tiles - 1) * n,
            stream: 0,
            queries: block,
            keys: 2 * block,
            values: 3 * block,
            context: 3 * block + values,
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
            ("words of memory V", block + rows.max(3 * block + values), engine.v),
            ("words of memory Y", block + SLOTS * slot, engine.y),
            ("words of memory A", 2 * block + rows, engine.a),
            ("words of memory B", block + values, engine.b),
            ("words of memory P", SLOTS * slot, engine.p),
            ("row scales", 4 * tiles, 4 * TOKENS / n),
            ("statistics", 3 * tiles + 3 * shape.heads + SLOTS, 3 * TOKENS / n + 100),
        ];
        for (what, value, limit) in needs {
            if value > limit {
                return Err(Error::Shape { what, value, allowed: format!("up to {limit}") });
            }
        }
        Ok(layout)
    }
}
