//! The two rings: their indices, the doorbells that move them, the abort that waits for a
//! descriptor.

use lockstep_accel_abi::{Completion, Descriptor, ring};

/// A ring: its base address and its indices.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ring {
    pub(crate) base: u64,
    pub(crate) producer: u16,
    pub(crate) consumer: u16,
}

impl Ring {
    /// Both indices as a register holds them.
    pub(crate) const fn indices(&self) -> u32 {
        self.producer as u32 | (self.consumer as u32) << 16
    }
}

/// An abort that may still hit a descriptor before the index `end`.
#[derive(Clone, Copy, Debug)]
struct Abort {
    tag: u16,
    end: u16,
}

/// Both rings, of `2^log2` entries.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rings {
    pub(crate) submit: Ring,
    pub(crate) complete: Ring,
    pub(crate) log2: u32,
    aborting: Option<Abort>,
}

impl Rings {
    /// Whether a descriptor waits.
    pub(crate) const fn waits(&self) -> bool {
        self.submit.producer != self.submit.consumer
    }

    /// Whether an abort may still hit a descriptor.
    pub(crate) const fn aborting(&self) -> bool {
        self.aborting.is_some()
    }

    /// Takes the driver's new producer index. Returns whether it is possible.
    pub(crate) fn submitted(&mut self, new: u16) -> bool {
        let Ring { producer, consumer, .. } = self.submit;
        let valid = ring::valid_producer(new, producer, consumer, self.log2);
        if valid {
            self.submit.producer = new;
        }
        valid
    }

    /// Takes the driver's new consumer index. Returns whether it is possible.
    pub(crate) fn completed(&mut self, new: u16) -> bool {
        let Ring { producer, consumer, .. } = self.complete;
        let valid = ring::valid_consumer(new, consumer, producer);
        if valid {
            self.complete.consumer = new;
        }
        valid
    }

    /// Remembers an abort until the descriptors that wait now have started. A second abort in that
    /// time finds only jobs at work.
    pub(crate) fn abort(&mut self, tag: u16) {
        if self.aborting.is_none() && self.waits() {
            self.aborting = Some(Abort { tag, end: self.submit.producer });
        }
    }

    /// The address of the next descriptor, if there is one and its record has room.
    pub(crate) fn next_descriptor(&self) -> Option<u64> {
        let records = ring::used(self.submit.consumer, self.complete.consumer);
        let slot = u64::from(ring::slot(self.submit.consumer, self.log2));
        let may = self.waits() && records < 1 << self.log2;
        may.then(|| self.submit.base.wrapping_add(slot * Descriptor::BYTES as u64))
    }

    /// Takes the descriptor that has been read. Returns whether an abort meant its tag.
    pub(crate) fn fetched(&mut self, tag: u16) -> bool {
        self.submit.consumer = self.submit.consumer.wrapping_add(1);
        let meant = self.aborting.is_some_and(|abort| abort.tag == tag);
        self.aborting = self.aborting.filter(|abort| abort.end != self.submit.consumer);
        meant
    }

    /// The address of the next record. The record gets its phase and the submission ring's index;
    /// from now on the driver may consume it.
    pub(crate) fn record(&mut self, record: &mut Completion) -> u64 {
        let producer = self.complete.producer;
        record.consumer = self.submit.consumer;
        record.flags = ring::phase(producer, self.log2);
        self.complete.producer = producer.wrapping_add(1);
        let slot = u64::from(ring::slot(producer, self.log2));
        self.complete.base.wrapping_add(slot * Completion::BYTES as u64)
    }
}
