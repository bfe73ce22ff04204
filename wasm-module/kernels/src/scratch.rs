//! Buffers that outlive an operator.

use alloc::vec::Vec;

use crate::attention::Buffers;

/// The buffers of one evaluation at a time. They grow to what the largest operator needs; what they hold between
/// two operators does not matter. A thread that evaluates has its own.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) q: Vec<i8>,
    pub(crate) acc: Vec<i32>,
    pub(crate) sums: Vec<i32>,
    pub(crate) attention: Buffers,
}

/// The first `count` elements, whatever they hold.
pub(crate) fn room<T: Clone>(buffer: &mut Vec<T>, count: usize, fill: T) -> &mut [T] {
    if buffer.len() < count {
        buffer.resize(count, fill);
    }
    &mut buffer[..count]
}
