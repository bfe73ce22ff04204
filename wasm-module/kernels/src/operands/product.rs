//! The operands of a product, with every size checked, for kernels that read them by address.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::marker::PhantomData;

use super::line::{COLUMNS, Line, WEIGHT_OFFSET};
use super::packed::PackedWeights;
use super::pairs::PackedPairs;

/// The operands of a product of bytes or of 16-bit pairs. Every size is checked when this is made,
/// so a tile inside `rows` by `panels()` may read them by address.
pub(crate) struct Product<'a> {
    /// `rows` rows of `groups` groups of 4 bytes.
    pub(crate) left: *const u8,
    pub(crate) rows: usize,
    pub(crate) groups: usize,
    /// `panels()` panels of `groups` lines.
    pub(crate) lines: &'a [Line],
    pub(crate) columns: usize,
    /// The number that the sums of each column start with, for whole panels. Empty for pairs.
    pub(crate) column_starts: Cow<'a, [i32]>,
    /// The number that the sums of each row start with: it undoes the offset of the stored weights.
    /// Empty for pairs.
    pub(crate) row_starts: Vec<i32>,
    source: PhantomData<&'a [u8]>,
}

impl<'a> Product<'a> {
    /// The product of rows of 8-bit numbers and weights. `sum` adds up the bytes of a row.
    pub(crate) fn of_bytes(
        q: &'a [i8],
        weights: &'a PackedWeights,
        out: &[i32],
        sum: impl Fn(&[i8]) -> i32,
    ) -> Self {
        let start = |q| -WEIGHT_OFFSET * sum(q);
        let row_starts = q.chunks_exact(weights.row_len()).map(start).collect();
        Self::of_bytes_from(q, weights, out.len(), row_starts)
    }

    /// The product of rows of 8-bit numbers and weights, with `row_starts` given.
    pub(crate) fn of_bytes_from(
        q: &'a [i8],
        weights: &'a PackedWeights,
        outputs: usize,
        row_starts: Vec<i32>,
    ) -> Self {
        let rows = weights.rows_of(q, outputs);
        assert_eq!(row_starts.len(), rows, "a start for each row");
        let product = Self {
            left: q.as_ptr().cast(),
            rows,
            groups: weights.groups(),
            lines: weights.lines(),
            columns: weights.outputs(),
            column_starts: Cow::Borrowed(weights.start()),
            row_starts,
            source: PhantomData,
        };
        product.check();
        product
    }

    /// The product of rows of 16-bit numbers and an operand of the attention.
    pub(crate) fn of_pairs(a: &'a [i16], b: &'a PackedPairs, out: &[i32]) -> Self {
        let product = Self {
            left: a.as_ptr().cast(),
            rows: b.rows_of(a, out.len()),
            groups: b.groups(),
            lines: b.lines(),
            columns: b.outputs(),
            column_starts: Cow::Borrowed(&[]),
            row_starts: Vec::new(),
            source: PhantomData,
        };
        product.check();
        product
    }

    fn check(&self) {
        assert_eq!(self.lines.len(), self.panels() * self.groups, "whole panels");
    }

    /// Number of panels: the columns in groups of 16.
    pub(crate) const fn panels(&self) -> usize {
        self.columns.div_ceil(COLUMNS)
    }

    /// Divides the rows into tiles of at most `limit` rows whose heights differ by at most one, the
    /// higher tiles first. Each item is the first row of a tile and its number of rows.
    pub(crate) fn row_tiles(&self, limit: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let tiles = self.rows.div_ceil(limit);
        let (height, higher) = (self.rows / tiles.max(1), self.rows % tiles.max(1));
        (0..tiles).map(move |i| (i * height + i.min(higher), height + usize::from(i < higher)))
    }

    /// The numbers that the sums of a panel's columns start with. Only for bytes.
    pub(crate) fn column_start(&self, panel: usize) -> &[i32; COLUMNS] {
        let (starts, _) = self.column_starts.as_chunks();
        &starts[panel]
    }

    /// The 1 to 16 outputs of a row and a panel, in `out`.
    pub(crate) fn cell<'o>(&self, row: usize, panel: usize, out: &'o mut [i32]) -> &'o mut [i32] {
        let first = panel * COLUMNS;
        &mut out[row * self.columns + first..][..COLUMNS.min(self.columns - first)]
    }
}
