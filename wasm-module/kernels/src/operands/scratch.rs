//! Buffers that the operators of a model share.

use alloc::vec::Vec;

use super::head::HeadBuffers;

/// The buffers of one evaluation. A thread that evaluates keeps its own and passes it to every
/// operator; it grows to the size that the largest operator needs. No operator reads what another
/// one left in it.
#[derive(Debug, Default)]
pub struct Scratch {
    /// A block of quantised rows.
    pub(crate) q: Vec<i8>,
    /// Accumulators of equation (10).
    pub(crate) acc: Vec<i32>,
    /// Sums of equation (12).
    pub(crate) sums: Vec<i32>,
    /// The operands of one head of the attention.
    pub(crate) head: HeadBuffers,
}

/// The first `count` elements of `buffer`, which keep their old values. New elements are `fill`.
pub(crate) fn room<T: Clone>(buffer: &mut Vec<T>, count: usize, fill: T) -> &mut [T] {
    if buffer.len() < count {
        buffer.resize(count, fill);
    }
    &mut buffer[..count]
}
