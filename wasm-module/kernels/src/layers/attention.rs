//! The attention of a layer: section 6 of `SPEC.md`.

use lockstep_arith::attention::ScoreScale;

use crate::kernel::Kernel;
use crate::operands::{Head, Scratch};

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

impl Attention {
    /// (19) to (27) of one sequence of `n` tokens: `projected` is `[n, 3 D]` (queries, keys,
    /// values), `context` is `[n, D]`.
    ///
    /// # Panics
    /// If `projected` is not a whole number of rows, or if `context` does not have as many rows.
    pub fn forward(&self, kernel: Kernel, projected: &[i16], scratch: &mut Scratch, context: &mut [i16]) {
        assert!(
            projected.len().is_multiple_of(3 * self.hidden) && projected.len() == 3 * context.len(),
            "rows of 3 D numbers"
        );
        let &Self { hidden, heads, score } = self;
        for index in 0..heads {
            let width = hidden / heads;
            let head = Head { projected, hidden, column: index * width, width, score };
            kernel.attend(&head, &mut scratch.head, context);
        }
    }
}
