//! Section 6 of `SPEC.md`: attention over one sequence.

use alloc::vec::Vec;

use lockstep_arith::attention::{ContextScale, ScoreScale};
use lockstep_arith::rows::Scale;

use crate::isa::Isa;
use crate::kernel::Kernel;
use crate::packed::PackedPairs;
use crate::scratch::Scratch;
use crate::vector::greatest;

/// Queries whose scores are held at a time.
const BLOCK: usize = 32;

/// The attention of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attention {
    /// Hidden size `D`.
    pub hidden: usize,
    /// Number of heads; divides `D`.
    pub heads: usize,
    /// Scale of the scores.
    pub score: ScoreScale,
}

/// Which of the three parts of a projected row.
#[derive(Clone, Copy)]
enum Part {
    Query,
    Key,
    Value,
}

/// Buffers of one head, reused.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    queries: Vec<i16>,
    keys: PackedPairs,
    values: PackedPairs,
    row: Vec<i16>,
    scores: Vec<i32>,
    weights: Vec<i16>,
    weighted: Vec<i32>,
    #[cfg(target_arch = "x86_64")]
    pub(crate) avx512: crate::x86_avx512_attention::Packed,
}

impl Attention {
    /// (19) to (27): `projected` is `[n, 3 D]` (queries, keys, values), `context` `[n, D]`.
    ///
    /// # Panics
    /// Where one of the two is not a whole number of rows.
    pub fn forward(&self, kernel: Kernel, projected: &[i16], scratch: &mut Scratch, context: &mut [i16]) {
        assert!(
            projected.len().is_multiple_of(3 * self.hidden) && projected.len() == 3 * context.len(),
            "rows of 3 D numbers"
        );
        for head in 0..self.heads {
            kernel.attend(self, head, projected, context, &mut scratch.attention);
        }
    }
}

/// (19) to (27) of one head.
pub(crate) fn attend<I: Isa>(
    isa: I,
    attention: &Attention,
    head: usize,
    projected: &[i16],
    context: &mut [i16],
    buffers: &mut Buffers,
) {
    let width = attention.hidden / attention.heads;
    let column = head * width;
    let part = |part: Part| {
        let first = part as usize * attention.hidden + column;
        projected.chunks_exact(3 * attention.hidden).map(move |row| &row[first..first + width])
    };
    let scale = |of: Part| Scale::of_max(part(of).map(greatest).max().unwrap_or(0));
    let (query_scale, key_scale, value_scale) = (scale(Part::Query), scale(Part::Key), scale(Part::Value));
    let head_scale = attention.score.of_head(query_scale, key_scale);

    let n = projected.len() / (3 * attention.hidden);
    let Buffers { queries, keys, values, row, scores, weights, weighted, .. } = buffers;
    keys.reset(width, n);
    values.reset(n, width);
    queries.clear();
    queries.resize(n * keys.row_len(), 0);
    row.resize(width, 0);
    for (q, x) in queries.chunks_exact_mut(keys.row_len()).zip(part(Part::Query)) {
        isa.quantize_wide(x, query_scale, q);
    }
    for (j, x) in part(Part::Key).enumerate() {
        isa.quantize_wide(x, key_scale, row);
        keys.set_column(j, row);
    }
    for (j, x) in part(Part::Value).enumerate() {
        isa.quantize_wide(x, value_scale, row);
        values.set_row(j, row);
    }

    let contexts = context.chunks_mut(BLOCK * attention.hidden);
    for (queries, context) in queries.chunks(BLOCK * keys.row_len()).zip(contexts) {
        let rows = context.len() / attention.hidden;
        let mut sums = [0; BLOCK];
        scores.resize(rows * n, 0);
        weights.resize(rows * values.row_len(), 0);
        weighted.resize(rows * width, 0);
        isa.pair_products(queries, keys, scores);
        isa.softmax(scores, n, head_scale, weights, values.row_len(), &mut sums[..rows]);
        isa.pair_products(weights, values, weighted);
        let rows = context.chunks_exact_mut(attention.hidden).zip(weighted.chunks_exact(width));
        for ((context, weighted), sum) in rows.zip(sums) {
            let scale = ContextScale::of(sum, value_scale);
            isa.context(weighted, scale, &mut context[column..column + width]);
        }
    }
}
