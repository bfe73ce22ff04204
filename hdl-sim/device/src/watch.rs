//! Follows the rings of the RTL by what passes at its ports: registers that the client writes,
//! descriptors that the card reads, records that it writes. Both come in order, so a record belongs
//! to the oldest descriptor without one.

use std::collections::VecDeque;

use lockstep_accel_abi::registers::{self, fields};
use lockstep_accel_abi::{Completion, Descriptor, Status};
use lockstep_hdl_sim::Storage;

/// What a register write meant for the rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Other,
    /// A soft reset: jobs without a record are dropped.
    Reset,
}

/// A record that a write makes whole.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) descriptor: Descriptor,
    pub(crate) record: Completion,
    /// The byte of the write that is the record's last.
    pub(crate) last: usize,
}

/// The rings as the client has set them, and the descriptors without a record.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Of the submission ring, of the completion ring.
    bases: [u64; 2],
    log2: u32,
    enabled: bool,
    /// A descriptor that has been read in part.
    partial: Vec<u8>,
    descriptors: VecDeque<Descriptor>,
}

impl Watch {
    /// A write of the client to a register.
    pub(crate) fn register(&mut self, register: u32, value: u32) -> Written {
        let low = |base: u64| base & !u64::from(u32::MAX) | u64::from(value);
        let high = |base: u64| base & u64::from(u32::MAX) | u64::from(value) << 32;
        let [submit, complete] = &mut self.bases;
        match register {
            registers::CONTROL if fields::CONTROL::RESET.get(value) == 1 => {
                *self = Self::default();
                return Written::Reset;
            }
            registers::CONTROL => self.enabled |= fields::CONTROL::ENABLE.get(value) == 1,
            // The card keeps base and size from the first enable on.
            _ if self.enabled => {}
            registers::SUBMIT_BASE_LO => *submit = low(*submit),
            registers::SUBMIT_BASE_HI => *submit = high(*submit),
            registers::COMPLETE_BASE_LO => *complete = low(*complete),
            registers::COMPLETE_BASE_HI => *complete = high(*complete),
            registers::RING_LOG2 => self.log2 = value.min(16),
            _ => {}
        }
        Written::Other
    }

    /// The place of an address in a ring: 0 is the submission ring, 1 the completion ring.
    fn place(&self, ring: usize, address: u64) -> Option<u64> {
        let entry = [Descriptor::BYTES, Completion::BYTES][ring] as u64;
        let place = address.checked_sub(self.bases[ring])?;
        (self.enabled && place < entry << self.log2).then_some(place)
    }

    /// Whether an address lies in a ring.
    pub(crate) fn in_ring(&self, address: u64) -> bool {
        self.place(0, address).is_some() || self.place(1, address).is_some()
    }

    /// The card has read host memory. Returns how many descriptors are whole by that.
    pub(crate) fn has_read(&mut self, address: u64, bytes: &[u8]) -> usize {
        if self.place(0, address).is_none() {
            return 0;
        }
        self.partial.extend_from_slice(bytes);
        let whole = self.partial.as_chunks::<{ Descriptor::BYTES }>().0;
        self.descriptors.extend(whole.iter().map(Descriptor::from_bytes));
        let count = whole.len();
        self.partial.drain(..count * Descriptor::BYTES);
        count
    }

    /// The card is about to write host memory. Returns the record that is whole by that.
    pub(crate) fn writes(
        &mut self,
        host: &dyn Storage,
        address: u64,
        bytes: &[u8],
        strobe: &dyn Fn(usize) -> bool,
    ) -> Option<Recorded> {
        let size = Completion::BYTES as u64;
        let last = |at: u64| self.place(1, at).is_some_and(|place| place % size == size - 1);
        let end = (0..bytes.len()).find(|&i| strobe(i) && last(address.wrapping_add(i as u64)))?;
        let first = address.wrapping_add(end as u64).wrapping_sub(size - 1);
        let mut record = [0; Completion::BYTES];
        host.read_into(first, &mut record).ok()?;
        // What this write brings is not in memory yet.
        for (to, at) in record.iter_mut().zip(first..) {
            let new = at.checked_sub(address).and_then(|j| usize::try_from(j).ok());
            *to = new.filter(|&j| j < bytes.len() && strobe(j)).map_or(*to, |j| bytes[j]);
        }
        let record = Completion::from_bytes(&record);
        if record.outcome() == Ok(Status::DescriptorRead) {
            // The card could not read this descriptor, or not the whole of it.
            self.partial.clear();
            return None;
        }
        let descriptor = self.descriptors.pop_front()?;
        Some(Recorded { descriptor, record, last: end })
    }
}
