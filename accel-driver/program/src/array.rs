//! The size of an engine, as the card's capability registers tell it.

use lockstep_accel_abi::codes::INSTRUCTION_BYTES;
use lockstep_accel_abi::engine::{MEMORY_A, MEMORY_B, MEMORY_P, MEMORY_V, MEMORY_Y};

/// Side of the array, and depths of the memories in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrayShape {
    /// Side of the array: 8, 16, 32 or 64. A word of an on-chip memory has as many lanes, a word of
    /// card memory as many bytes.
    pub lanes: usize,
    /// Memory A: operand rows.
    pub a: usize,
    /// Memory B: keys and values.
    pub b: usize,
    /// Memory P: weights of the softmax.
    pub p: usize,
    /// Memory V: 16-bit rows.
    pub v: usize,
    /// Memory Y: sums and scores.
    pub y: usize,
}

impl ArrayShape {
    /// An array with the default depths, which hold the largest model.
    #[must_use]
    pub const fn new(lanes: usize) -> Self {
        Self {
            lanes,
            a: MEMORY_A.words(lanes),
            b: MEMORY_B.words(lanes),
            p: MEMORY_P.words(lanes),
            v: MEMORY_V.words(lanes),
            y: MEMORY_Y.words(lanes),
        }
    }

    /// Bytes from one instruction of a program to the next: one word of card memory at least.
    #[must_use]
    pub const fn instruction_bytes(&self) -> usize {
        let least = INSTRUCTION_BYTES as usize;
        if self.lanes > least { self.lanes } else { least }
    }
}
