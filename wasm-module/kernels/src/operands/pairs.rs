//! The right operand of the attention's two products, in the order in which the kernels read it.

use alloc::vec::Vec;

use super::line::{COLUMNS, GROUP, Line};

/// A 16-bit operand `[K, N]` of the attention: keys (`K` = head width, `N` = tokens) or values
/// (`K` = tokens, `N` = head width). The same operand is filled again for every head.
#[derive(Clone, Debug, Default)]
pub struct PackedPairs {
    outputs: usize,
    groups: usize,
    lines: Vec<Line>,
}

impl PackedPairs {
    /// Becomes an operand `[K, N]` of zeros.
    ///
    /// # Panics
    /// If one of the two sizes is 0.
    pub fn reset(&mut self, inputs: usize, outputs: usize) {
        assert!(inputs > 0 && outputs > 0, "a product has inputs and outputs");
        self.outputs = outputs;
        self.groups = inputs.div_ceil(2);
        self.lines.clear();
        self.lines.resize(outputs.div_ceil(COLUMNS) * self.groups, Line([0; COLUMNS * GROUP]));
    }

    /// Sets column `j` to the `K` numbers of `column`.
    ///
    /// # Panics
    /// If there is no column `j`, or if `column` does not have `K` numbers.
    pub fn set_column(&mut self, j: usize, column: &[i16]) {
        assert!(j < self.outputs && column.len().div_ceil(2) == self.groups, "a column of the operand");
        let at = j % COLUMNS * GROUP;
        let lines = &mut self.lines[j / COLUMNS * self.groups..][..self.groups];
        for (line, pair) in lines.iter_mut().zip(column.chunks(2)) {
            line.0[at..at + 2].copy_from_slice(&pair[0].to_ne_bytes());
            if let Some(second) = pair.get(1) {
                line.0[at + 2..at + 4].copy_from_slice(&second.to_ne_bytes());
            }
        }
    }

    /// Sets input `k` of all `N` columns.
    ///
    /// # Panics
    /// If there is no input `k`, or if `row` does not have `N` numbers.
    pub fn set_row(&mut self, k: usize, row: &[i16]) {
        assert!(k / 2 < self.groups && row.len() == self.outputs, "a row of the operand");
        for (panel, columns) in row.chunks(COLUMNS).enumerate() {
            let line = &mut self.lines[panel * self.groups + k / 2];
            for (slot, &x) in line.0.chunks_exact_mut(GROUP).zip(columns) {
                slot[k % 2 * 2..][..2].copy_from_slice(&x.to_ne_bytes());
            }
        }
    }

    /// `N`.
    #[must_use]
    pub const fn outputs(&self) -> usize {
        self.outputs
    }

    /// Numbers in one row of the left operand: `K` rounded up to an even number. If `K` is odd, the
    /// last number is multiplied by 0.
    #[must_use]
    pub const fn row_len(&self) -> usize {
        self.groups * 2
    }

    pub(crate) const fn groups(&self) -> usize {
        self.groups
    }

    /// The lines, panel after panel: `groups()` lines each.
    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The number of rows in `a`, for which `outputs` results have room.
    ///
    /// # Panics
    /// If `a` is not a whole number of rows, or if `outputs` is not `N` for each of them.
    pub(crate) fn rows_of(&self, a: &[i16], outputs: usize) -> usize {
        let rows = a.len() / self.row_len();
        assert_eq!(a.len(), rows * self.row_len(), "whole rows of inputs");
        assert_eq!(outputs, rows * self.outputs, "as many rows of outputs as of inputs");
        rows
    }
}
