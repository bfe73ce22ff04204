//! Where things lie in the memories of the engine.

use lockstep_accel_abi::engine::{ROW_SCALES, SOFTMAX_SLOTS, STATISTICS, TOKENS_MAX};

use crate::array::ArrayShape;
use crate::error::Error;
use crate::shape::Shape;

/// The first words of everything in the memories, for a number of tokens.
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
    /// Rows behind the activation. They overwrite the projections.
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
    pub(crate) fn new(engine: &ArrayShape, shape: &Shape, tokens: usize) -> Result<Self, Error> {
        let n = engine.lanes;
        let tiles = tokens.div_ceil(n);
        if tokens == 0 || tokens > TOKENS_MAX {
            let allowed = format!("1 to {TOKENS_MAX}");
            return Err(Error::Shape { what: "number of tokens", value: tokens, allowed });
        }
        let block = tiles * shape.hidden;
        // Values lie in whole panels of the array.
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
            ("words of memory Y", block + SOFTMAX_SLOTS * slot, engine.y),
            ("words of memory A", 2 * block + rows, engine.a),
            ("words of memory B", block + values, engine.b),
            ("words of memory P", SOFTMAX_SLOTS * slot, engine.p),
            ("row scales", 4 * tiles, ROW_SCALES.words(n)),
            ("statistics", 3 * tiles + 3 * shape.heads + SOFTMAX_SLOTS, STATISTICS.words(n)),
        ];
        for (what, value, limit) in needs {
            if value > limit {
                return Err(Error::Shape { what, value, allowed: format!("up to {limit}") });
            }
        }
        Ok(layout)
    }
}
