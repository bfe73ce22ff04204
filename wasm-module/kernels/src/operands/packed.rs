//! The weights of a linear layer, in the order in which the kernels read them.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;
use lockstep_arith::rows::Sign;

use super::line::{COLUMNS, GROUP, Line, WEIGHT_OFFSET, weight_index};
use super::shared::Shared;

/// The weights `[K, N]` of a linear layer, and the constant of each column: the part
/// `z * sum_k w[k][j]` of equation (10).
#[derive(Clone, Debug)]
pub struct PackedWeights {
    inputs: usize,
    outputs: usize,
    groups: usize,
    sign: Sign,
    lines: Shared<Line>,
    start: Vec<i32>,
}

/// Why some bytes are not the packed weights of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackedError {
    /// The number of bytes is wrong.
    Length {
        /// Number of bytes that were given.
        found: usize,
        /// Number of bytes that the layer needs.
        expected: usize,
    },
    /// The bytes do not begin at a multiple of 64.
    Alignment,
    /// A weight outside [-63, 63].
    Weight {
        /// Index of the weight in the row-major weights `[K, N]`.
        index: usize,
        /// The weight.
        weight: i8,
    },
    /// A byte that belongs to no weight does not hold the weight 0.
    Padding {
        /// Index of the byte.
        at: usize,
    },
}

impl fmt::Display for PackedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { found, expected } => write!(f, "{found} bytes, {expected} are needed"),
            Self::Alignment => write!(f, "does not begin at a multiple of 64"),
            Self::Weight { index, weight } => write!(f, "weights[{index}] is {weight}, allowed: [-63, 63]"),
            Self::Padding { at } => write!(f, "byte {at} is padding and not {WEIGHT_OFFSET}"),
        }
    }
}

impl core::error::Error for PackedError {}

impl PackedWeights {
    /// The number of bytes of the packed weights `[K, N]`, a multiple of 64. `None` if it exceeds
    /// `usize`.
    #[must_use]
    pub const fn packed_len(inputs: usize, outputs: usize) -> Option<usize> {
        match inputs.div_ceil(GROUP).checked_mul(outputs.div_ceil(COLUMNS)) {
            Some(lines) => lines.checked_mul(size_of::<Line>()),
            None => None,
        }
    }

    /// Takes weights `[K, N]` that are already packed in `bytes`, as [`Self::packed`] returns them.
    /// This checks every byte once and copies none.
    ///
    /// # Errors
    /// [`PackedError`]: the length or the alignment is wrong, a weight is outside [-63, 63], or the
    /// padding is not the weight 0. The error names the first such weight or byte.
    pub fn from_packed(bytes: Bytes, inputs: usize, outputs: usize, sign: Sign) -> Result<Self, PackedError> {
        let (found, expected) = (bytes.len(), Self::packed_len(inputs, outputs).unwrap_or(usize::MAX));
        if found != expected || found == 0 {
            return Err(PackedError::Length { found, expected });
        }
        let lines = Shared::<Line>::new(bytes).ok_or(PackedError::Alignment)?;
        let groups = inputs.div_ceil(GROUP);
        let mut start = vec![0; outputs.div_ceil(COLUMNS) * COLUMNS];
        let panels = lines.chunks_exact(groups).zip(start.chunks_exact_mut(COLUMNS));
        for (panel, (lines, start)) in panels.enumerate() {
            if let Some(group) = lines.iter().position(|line| !line.in_range()) {
                return Err(first_outside(&lines[group], panel, group, outputs));
            }
            let columns = (outputs - panel * COLUMNS).min(COLUMNS);
            if let Some(at) = padding_other_than_zero(lines, inputs, columns) {
                return Err(PackedError::Padding { at: panel * groups * size_of::<Line>() + at });
            }
            if sign.zero_point() != 0 {
                column_sums(lines, start);
                start.iter_mut().for_each(|sum| *sum *= sign.zero_point());
            }
        }
        Ok(Self { inputs, outputs, groups, sign, lines, start })
    }

    /// The lines as bytes: panel after panel; in a panel, one line for each group of inputs.
    #[must_use]
    pub fn packed(&self) -> &[u8] {
        bytemuck::cast_slice(&self.lines)
    }

    /// Packs row-major weights `[K, N]`, each in [-63, 63], for input rows of that sign. This does
    /// not check the range; [`Self::from_packed`] does.
    ///
    /// # Panics
    /// If there are not `inputs * outputs` weights, or if one of the two sizes is 0.
    #[must_use]
    pub fn pack(weights: &[i8], inputs: usize, outputs: usize, sign: Sign) -> Self {
        assert_eq!(weights.len(), inputs * outputs, "weights are [K, N]");
        assert!(inputs > 0 && outputs > 0, "a product has inputs and outputs");
        let groups = inputs.div_ceil(GROUP);
        let panels = outputs.div_ceil(COLUMNS);
        let mut lines = vec![Line([WEIGHT_OFFSET as u8; COLUMNS * GROUP]); panels * groups];
        let mut start = vec![0; panels * COLUMNS];
        for (k, row) in weights.chunks_exact(outputs).enumerate() {
            for (j, &w) in row.iter().enumerate() {
                let line = &mut lines[j / COLUMNS * groups + k / GROUP];
                line.0[weight_index(k % GROUP, j % COLUMNS)] = (i32::from(w) + WEIGHT_OFFSET) as u8;
                start[j] += sign.zero_point() * i32::from(w);
            }
        }
        Self { inputs, outputs, groups, sign, lines: lines.into(), start }
    }

    /// `K`.
    #[must_use]
    pub const fn inputs(&self) -> usize {
        self.inputs
    }

    /// `N`.
    #[must_use]
    pub const fn outputs(&self) -> usize {
        self.outputs
    }

    /// Bytes of one row of inputs: `K` rounded up to a multiple of four. The bytes after the first
    /// `K` may have any value.
    #[must_use]
    pub const fn row_len(&self) -> usize {
        self.groups * GROUP
    }

    pub(crate) const fn groups(&self) -> usize {
        self.groups
    }

    /// The sign of the rows that these weights multiply.
    #[must_use]
    pub const fn sign(&self) -> Sign {
        self.sign
    }

    /// The lines, panel after panel: `groups()` lines each.
    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// `z * sum_k w[k][j]` of each column `j`, with zeros up to whole panels.
    pub(crate) fn start(&self) -> &[i32] {
        &self.start
    }

    /// The number of rows in `q`, for which `outputs` results have room.
    ///
    /// # Panics
    /// If `q` is not a whole number of rows, or if `outputs` is not `N` for each of them.
    pub(crate) fn rows_of(&self, q: &[i8], outputs: usize) -> usize {
        let rows = q.len() / self.row_len();
        assert_eq!(q.len(), rows * self.row_len(), "whole rows of inputs");
        assert_eq!(outputs, rows * self.outputs, "as many rows of outputs as of inputs");
        rows
    }
}

impl Line {
    /// Whether every byte lies in [1, 127].
    fn in_range(&self) -> bool {
        // Without an early exit the loop becomes a few vector operations.
        self.0.iter().fold(0, |wrong, &byte| wrong | byte.wrapping_sub(1) & 0x80 | byte & 0x80) == 0
    }
}

/// The error that names the first byte of `line` outside [1, 127].
fn first_outside(line: &Line, panel: usize, group: usize, outputs: usize) -> PackedError {
    let outside = |byte: &u8| !(1..=127).contains(byte);
    let at = line.0.iter().position(outside).unwrap_or(0);
    let (input, column) = (group * GROUP + at % GROUP, panel * COLUMNS + at / GROUP);
    PackedError::Weight {
        index: input * outputs + column,
        weight: line.0[at].wrapping_sub(WEIGHT_OFFSET as u8) as i8,
    }
}

/// Index of the first byte of a panel that belongs to no weight and does not hold the weight 0.
fn padding_other_than_zero(lines: &[Line], inputs: usize, columns: usize) -> Option<usize> {
    let check = |group: usize| {
        let line = &lines[group];
        (0..COLUMNS * GROUP)
            .find(|at| {
                let outside = at / GROUP >= columns || group * GROUP + at % GROUP >= inputs;
                outside && line.0[*at] != WEIGHT_OFFSET as u8
            })
            .map(|at| group * size_of::<Line>() + at)
    };
    if columns < COLUMNS {
        return (0..lines.len()).find_map(check);
    }
    if inputs.is_multiple_of(GROUP) { None } else { check(lines.len() - 1) }
}

/// Adds the weights of each column of a panel to `sums`.
fn column_sums(lines: &[Line], sums: &mut [i32]) {
    for line in lines {
        for (sum, bytes) in sums.iter_mut().zip(line.0.chunks_exact(GROUP)) {
            *sum += bytes.iter().map(|&byte| i32::from(byte) - WEIGHT_OFFSET).sum::<i32>();
        }
    }
}
