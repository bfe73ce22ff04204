//! A line: the unit in which the kernels read weights and the right operands of the attention.
//!
//! A [`Line`] is 64 bytes, which is one cache line and one AVX-512 register. It holds 16 columns of
//! 4 bytes. A *group* is what a column has in one line: 4 inputs of 8 bits, or 2 inputs of 16 bits.
//! A *panel* is 16 output columns; it consists of one line for each group of inputs.
#![allow(unsafe_code, reason = "a line of bytes is a line of bytes")]

use bytemuck::{Pod, Zeroable};

/// Columns of a panel.
pub(crate) const COLUMNS: usize = 16;

/// Bytes of one column in a line, and of one group in a row of inputs.
pub(crate) const GROUP: usize = 4;

/// The number that is added to a weight before it is stored as a byte: every stored byte lies in
/// [1, 127].
pub(crate) const WEIGHT_OFFSET: i32 = 64;

/// 16 columns of 4 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Line(pub [u8; COLUMNS * GROUP]);

// SAFETY: 64 bytes without padding; every value of them is a line.
unsafe impl Zeroable for Line {}
// SAFETY: as above; `repr(C)`, `Copy`, no pointer, no interior mutability.
unsafe impl Pod for Line {}

/// The bytes of `lines`.
#[must_use]
pub fn bytes_of_lines(lines: &[Line]) -> &[u8] {
    bytemuck::cast_slice(lines)
}

/// The index, in its line, of the weight of `input` (of the four) and `column` (of the 16).
pub(crate) const fn weight_index(input: usize, column: usize) -> usize {
    column * GROUP + input
}
