//! Operands in the order in which the kernels read them.
//!
//! A [`Line`] is 64 bytes, one cache line and one AVX-512 register: 16 columns of 4 bytes. A *panel* is the
//! column of lines that 16 output columns need, one line a *group*: 4 inputs of 8 bits, or 2 of 16 bits.

use alloc::vec;
use alloc::vec::Vec;

use lockstep_arith::rows::Sign;

/// Columns of a panel.
pub(crate) const COLUMNS: usize = 16;

/// Bytes of one column in a line, and of one group in a row of inputs.
pub(crate) const GROUP: usize = 4;

/// What is added to a weight before it is stored as a byte, so that all bytes lie in [1, 127].
pub(crate) const WEIGHT_OFFSET: i32 = 64;

/// 16 columns of 4 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) [u8; COLUMNS * GROUP]);

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
    lines: Vec<Line>,
    start: Vec<i32>,
}

impl PackedWeights {
    /// Packs row-major weights `[K, N]`, each in [-63, 63], for rows of that sign.
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
                debug_assert!((-63..=63).contains(&w), "a weight has 7 bits");
                let line = &mut lines[j / COLUMNS * groups + k / GROUP];
                line.0[weight_index(k % GROUP, j % COLUMNS)] = (i32::from(w) + WEIGHT_OFFSET) as u8;
                start[j] += sign.zero_point() * i32::from(w);
            }
        }
        Self { inputs, outputs, groups, sign, lines, start }
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
