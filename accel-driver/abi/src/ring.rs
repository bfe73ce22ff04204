//! The arithmetic of ring indices.
//!
//! Indices run freely over 16 bits; the entry is the index modulo the ring's size, which is a power of two up to 2^15. The entries
//! between the consumer's and the producer's index are full; equal indices mean an empty ring, so every entry can be used.

/// How many entries are full.
pub const fn used(producer: u16, consumer: u16) -> u16 {
    producer.wrapping_sub(consumer)
}

/// Whether a producer index written to a doorbell is possible: it keeps or adds entries and never overtakes the consumer.
pub const fn valid_producer(new: u16, old: u16, consumer: u16, log2: u32) -> bool {
    let filled = used(new, consumer);
    filled <= 1 << log2 && filled >= used(old, consumer)
}

/// Whether a consumer index written to a doorbell is possible: it frees full entries only.
pub const fn valid_consumer(new: u16, old: u16, producer: u16) -> bool {
    used(producer, new) <= used(producer, old)
}

/// The entry of an index.
pub const fn slot(index: u16, log2: u32) -> u16 {
    index & ((1 << log2) - 1) as u16
}

/// The phase of the records of the pass that an index belongs to: 1 in the first.
pub const fn phase(index: u16, log2: u32) -> u8 {
    (index >> log2 & 1 ^ 1) as u8
}
