//! The arithmetic of ring indices.
//!
//! An index counts over all 16 bits; its entry is the index modulo the size of the ring, a power of
//! two up to 2^15. The entries from the consumer's index to the one before the producer's are full.
//! Equal indices mean an empty ring, so every entry can be full.

/// The number of full entries.
pub const fn used(producer: u16, consumer: u16) -> u16 {
    producer.wrapping_sub(consumer)
}

/// Whether a doorbell takes a new producer index: it may add entries and take none away, and the
/// ring must have room for them.
pub const fn valid_producer(new: u16, old: u16, consumer: u16, log2: u32) -> bool {
    let filled = used(new, consumer);
    filled <= 1 << log2 && filled >= used(old, consumer)
}

/// Whether a doorbell takes a new consumer index: it may free full entries only.
pub const fn valid_consumer(new: u16, old: u16, producer: u16) -> bool {
    used(producer, new) <= used(producer, old)
}

/// The entry of an index.
pub const fn slot(index: u16, log2: u32) -> u16 {
    index & ((1 << log2) - 1) as u16
}

/// The phase of a record at an index: 1 in the first pass over the ring, 0 in the second, and so
/// on.
pub const fn phase(index: u16, log2: u32) -> u8 {
    (index >> log2 & 1 ^ 1) as u8
}
