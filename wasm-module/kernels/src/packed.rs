//! Operands in the order in which the kernels read them.
//!
//! A [`Line`] is 64 bytes, one cache line and one AVX-512 register: 16 columns of 4 bytes. A *panel* is the
//! column of lines that 16 output columns need, one line a *group*: 4 inputs of 8 bits, or 2 of 16 bits.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;
use lockstep_arith::rows::Sign;

use crate::shared::Shared;

/// Columns of a panel.
pub(crate) const COLUMNS: usize = 16;

/// Bytes of one column in a line, and of one group in a row of inputs.
pub(crate) const GROUP: usize = 4;

/// What is added to a weight before it is stored as a byte, so that all bytes lie in [1, 127].
pub(crate) const WEIGHT_OFFSET: i32 = 64;

/// 16 columns of 4 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Line(pub [u8; COLUMNS * GROUP]);

/// Lines as bytes.
#[must_use]
pub fn bytes_of_lines(lines: &[Line]) -> &[u8] {
    bytemuck::cast_slice(lines)
}

/// Where the weight of an input (of the four) and a column (of the 16) lies in its line.
pub(crate) const fn weight_index(input: usize, column: usize) -> usize {
    column * GROUP + input
}

/// The weights `[K, N]` of a linear layer with the constants of its columns.
#[derive(Clone, Debug)]
pub struct PackedWeights {
    inputs: usize,
    outputs: usize,
    groups: usize,
    sign: Sign,
    lines: Shared<Line>,
    start: Vec<i32>,
}

/// Why bytes are not the packed weights of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackedError {
    /// Not as many bytes as the layer has.
    Length {
        /// As many are there.
        found: usize,
        /// As many belong there.
        expected: usize,
    },
    /// The bytes do not begin at a multiple of 64.
    Alignment,
    /// A weight outside [-63, 63].
    Weight {
        /// Its place in the row-major weights `[K, N]`.
        index: usize,
        /// The weight.
        weight: i8,
    },
    /// What fills up the last lines is not the weight 0.
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
    /// Bytes of the packed weights `[K, N]`: a multiple of 64. `None` where that is no size.
    #[must_use]
    pub const fn packed_len(inputs: usize, outputs: usize) -> Option<usize> {
        match inputs.div_ceil(GROUP).checked_mul(outputs.div_ceil(COLUMNS)) {
            Some(lines) => lines.checked_mul(size_of::<Line>()),
            None => None,
        }
    }

    /// Weights `[K, N]` that lie packed in `bytes`, as [`Self::packed`] gives them. They are looked at once, and not
    /// copied.
    ///
    /// # Errors
    /// Names the first weight that is out of range, or what else is wrong with the bytes.
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

    /// The lines as bytes: panel after panel, in a panel the groups of inputs.
    #[must_use]
    pub fn packed(&self) -> &[u8] {
        bytemuck::cast_slice(&self.lines)
    }

    /// Packs row-major weights `[K, N]`, each in [-63, 63], for rows of that sign. Others are packed too, and
    /// [`Self::from_packed`] refuses them.
    ///
    /// # Panics
    /// Where there are not `inputs * outputs` weights, or none.
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

    /// Bytes of one row of inputs: `K` rounded up to a multiple of four. What the bytes after `K` hold does not
    /// matter.
    #[must_use]
    pub const fn row_len(&self) -> usize {
        self.groups * GROUP
    }

    pub(crate) const fn groups(&self) -> usize {
        self.groups
    }

    /// The sign of the rows that it multiplies.
    #[must_use]
    pub const fn sign(&self) -> Sign {
        self.sign
    }

    /// Panel after panel, `groups()` lines each.
    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// `z * sum_k w[k][j]`, padded to whole panels.
    pub(crate) fn start(&self) -> &[i32] {
        &self.start
    }
}

impl Line {
    /// Whether every byte lies in [1, 127].
    fn in_range(&self) -> bool {
        // No early end: the loop becomes a few vector operations.
        self.0.iter().fold(0, |wrong, &byte| wrong | byte.wrapping_sub(1) & 0x80 | byte & 0x80) == 0
    }
}

/// The weight of a line that is outside [1, 127] as a byte.
fn first_outside(line: &Line, panel: usize, group: usize, outputs: usize) -> PackedError {
    let outside = |byte: &u8| !(1..=127).contains(byte);
    let at = line.0.iter().position(outside).unwrap_or(0);
    let (input, column) = (group * GROUP + at % GROUP, panel * COLUMNS + at / GROUP);
    PackedError::Weight {
        index: input * outputs + column,
        weight: line.0[at].wrapping_sub(WEIGHT_OFFSET as u8) as i8,
    }
}

/// Index of a byte of a panel that belongs to no weight and is not the weight 0.
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

/// Sums of a panel's weights, a column.
fn column_sums(lines: &[Line], sums: &mut [i32]) {
    for line in lines {
        for (sum, bytes) in sums.iter_mut().zip(line.0.chunks_exact(GROUP)) {
            *sum += bytes.iter().map(|&byte| i32::from(byte) - WEIGHT_OFFSET).sum::<i32>();
        }
    }
}

/// A 16-bit operand `[K, N]` of the attention: keys (`K` = head width, `N` = tokens) or values (`K` = tokens,
/// `N` = head width). Refilled for every head.
#[derive(Clone, Debug, Default)]
pub struct PackedPairs {
    outputs: usize,
    groups: usize,
    lines: Vec<Line>,
}

impl PackedPairs {
    /// Makes room for an operand `[K, N]` of zeros.
    ///
    /// # Panics
    /// Where one of the two is 0.
    pub fn reset(&mut self, inputs: usize, outputs: usize) {
        assert!(inputs > 0 && outputs > 0, "a product has inputs and outputs");
        self.outputs = outputs;
        self.groups = inputs.div_ceil(2);
        self.lines.clear();
        self.lines.resize(outputs.div_ceil(COLUMNS) * self.groups, Line([0; COLUMNS * GROUP]));
    }

    /// Sets column `j` to the numbers of `column`, as many as there are inputs.
    ///
    /// # Panics
    /// Where they are not, or there is no such column.
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

    /// Sets input `k` of all columns.
    ///
    /// # Panics
    /// Where there is no such input, or `row` is not as long as there are columns.
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

    /// Numbers of one row of the left operand: `K` rounded up to an even number; the last is then multiplied by 0.
    #[must_use]
    pub const fn row_len(&self) -> usize {
        self.groups * 2
    }

    pub(crate) const fn groups(&self) -> usize {
        self.groups
    }

    /// Panel after panel, `groups()` lines each.
    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }
}
