//! The checked operands of a product, for files that read them by address.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::marker::PhantomData;

#[cfg(any(target_arch = "x86_64", feature = "relaxed-simd"))]
use lockstep_arith::rows::Sign;

#[cfg(target_arch = "x86_64")]
use crate::packed::GROUP;
use crate::packed::{COLUMNS, Line, PackedPairs, PackedWeights, WEIGHT_OFFSET};
#[cfg(any(target_arch = "x86_64", feature = "relaxed-simd"))]
use crate::strip::{self, Loads, Strip, UNSIGNED_CENTRE};

/// The operands of a product of either width, with every bound checked, so that a tile may read them by
/// address.
pub(crate) struct Product<'a> {
    /// `rows` rows of `groups` groups of 4 bytes.
    pub(crate) left: *const u8,
    pub(crate) rows: usize,
    pub(crate) groups: usize,
    /// `panels()` panels of `groups` lines.
    pub(crate) lines: &'a [Line],
    pub(crate) columns: usize,
    column_starts: Cow<'a, [i32]>,
    /// What undoes the offset of the stored weights, a row. Empty for pairs.
    pub(crate) row_starts: Vec<i32>,
    source: PhantomData<&'a [u8]>,
}

impl<'a> Product<'a> {
    /// Of rows of 8-bit numbers and weights.
    pub(crate) fn of_bytes(q: &'a [i8], weights: &'a PackedWeights, out: &[i32]) -> Self {
        let start = |q: &[i8]| -WEIGHT_OFFSET * q.iter().map(|&q| i32::from(q)).sum::<i32>();
        let row_starts = q.chunks_exact(weights.row_len()).map(start).collect();
        Self::of_bytes_from(q, weights, out.len(), row_starts)
    }

    /// Of rows of 8-bit numbers and weights; what the sums of each row begin with is known.
    pub(crate) fn of_bytes_from(
        q: &'a [i8],
        weights: &'a PackedWeights,
        outputs: usize,
        row_starts: Vec<i32>,
    ) -> Self {
        let rows = q.len() / weights.row_len();
        assert_eq!(row_starts.len(), rows, "a start a row");
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
        product.check(outputs);
        product
    }

    /// Of rows of 16-bit numbers and an operand of the attention.
    pub(crate) fn of_pairs(a: &'a [i16], b: &'a PackedPairs, out: &[i32]) -> Self {
        let product = Self {
            left: a.as_ptr().cast(),
            rows: a.len() / b.row_len(),
            groups: b.groups(),
            lines: b.lines(),
            columns: b.outputs(),
            column_starts: Cow::Borrowed(&[]),
            row_starts: Vec::new(),
            source: PhantomData,
        };
        product.check(out.len());
        product
    }

    /// The rows of bytes in strips. The constants of rows and columns become those of the strips' inputs.
    #[cfg(any(target_arch = "x86_64", feature = "relaxed-simd"))]
    #[inline(always)]
    pub(crate) fn strips<L: Loads>(&mut self, loads: L, q: &[i8], weights: &PackedWeights) -> Vec<Strip> {
        let stride = weights.row_len();
        if weights.sign() == Sign::Unsigned {
            // An input of a strip is `q + z - UNSIGNED_CENTRE`; the offset of the weights meets all of it.
            let inputs = (Sign::Unsigned.zero_point() - UNSIGNED_CENTRE) * stride as i32;
            self.row_starts.iter_mut().for_each(|start| *start -= WEIGHT_OFFSET * inputs);
            let centre = |start| start / Sign::Unsigned.zero_point() * UNSIGNED_CENTRE;
            self.column_starts = self.column_starts.iter().map(centre).collect();
        }
        let mut strips = Vec::with_capacity(self.rows.div_ceil(strip::ROWS));
        // A loop, and no closure: it is compiled with the instruction set of the caller.
        for q in q.chunks(strip::ROWS * stride) {
            strips.push(Strip::new(loads, q, stride, weights.sign()));
        }
        strips
    }

    fn check(&self, outputs: usize) {
        assert_eq!(self.lines.len(), self.panels() * self.groups, "whole panels");
        assert_eq!(outputs, self.rows * self.columns, "room for all outputs");
    }

    pub(crate) const fn panels(&self) -> usize {
        self.columns.div_ceil(COLUMNS)
    }

    /// First row and number of rows of tiles of nearly the same height, at most `limit`, the highest first.
    pub(crate) fn row_tiles(&self, limit: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let tiles = self.rows.div_ceil(limit);
        let (height, higher) = (self.rows / tiles.max(1), self.rows % tiles.max(1));
        (0..tiles).map(move |i| (i * height + i.min(higher), height + usize::from(i < higher)))
    }

    /// Where a row of the left operand begins.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn row(&self, row: usize) -> *const u8 {
        assert!(row < self.rows, "a row of the product");
        self.left.wrapping_add(row * self.groups * GROUP)
    }

    /// The constants of the columns of some panels; of weights only.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn column_starts(&self, panel: usize, panels: usize) -> &[i32] {
        &self.column_starts[panel * COLUMNS..][..panels * COLUMNS]
    }

    /// The constants of a panel's columns; of weights only.
    pub(crate) fn column_start(&self, panel: usize) -> &[i32; COLUMNS] {
        let (starts, _) = self.column_starts.as_chunks();
        &starts[panel]
    }

    /// Where the outputs of a row and a panel go: 1 to 16 of them.
    pub(crate) fn cell<'o>(&self, row: usize, panel: usize, out: &'o mut [i32]) -> &'o mut [i32] {
        let first = panel * COLUMNS;
        &mut out[row * self.columns + first..][..COLUMNS.min(self.columns - first)]
    }
}
