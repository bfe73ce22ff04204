//! The two rings in memory that the card reads and writes too.

use std::sync::atomic::{Ordering, fence};

use lockstep_accel_abi::codes::RING_ALIGN;
use lockstep_accel_abi::{Completion, Descriptor, ring};
use lockstep_accel_memory::{OutOfRange, SharedMemory};

/// Where the rings are and how far they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rings {
    log2: u32,
    /// Producer index of the submission ring.
    submitted: u16,
    /// Consumer index of the completion ring.
    completed: u16,
}

impl Rings {
    pub(crate) fn new(log2: u32) -> Self {
        Self { log2, submitted: 0, completed: 0 }
    }

    /// Byte offset of the completion ring; the submission ring is at 0.
    pub(crate) fn completions_at(&self) -> u64 {
        ((Descriptor::BYTES << self.log2) as u64).next_multiple_of(RING_ALIGN)
    }

    /// Bytes of both.
    pub(crate) fn bytes(&self) -> u64 {
        self.completions_at() + ((Completion::BYTES << self.log2) as u64).next_multiple_of(RING_ALIGN)
    }

    pub(crate) fn log2(&self) -> u32 {
        self.log2
    }

    /// Begins anew, as the card does after a reset.
    pub(crate) fn clear(&mut self, memory: &SharedMemory) -> Result<(), OutOfRange> {
        *self = Self::new(self.log2);
        memory.write(0, &vec![0; self.bytes() as usize])
    }

    /// Jobs whose records have not been taken.
    pub(crate) fn under_way(&self) -> u16 {
        ring::used(self.submitted, self.completed)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.under_way() == 1 << self.log2
    }

    /// Tag of the next job, and of the oldest one under way: tags are the low bits of the index, so none is twice under way.
    pub(crate) fn next_tag(&self) -> u16 {
        ring::slot(self.submitted, self.log2)
    }

    pub(crate) fn oldest_tag(&self) -> u16 {
        ring::slot(self.completed, self.log2)
    }

    /// Writes a descriptor; the card sees it with the next doorbell.
    pub(crate) fn push(&mut self, memory: &SharedMemory, descriptor: &Descriptor) -> Result<(), OutOfRange> {
        let at = u64::from(self.next_tag()) * Descriptor::BYTES as u64;
        memory.write(at, &descriptor.to_bytes())?;
        self.submitted = self.submitted.wrapping_add(1);
        Ok(())
    }

    /// The submission doorbell's value, when all descriptors are visible to the card.
    pub(crate) fn doorbell(&self) -> u16 {
        fence(Ordering::Release);
        self.submitted
    }

    /// The next record if it is there, with its index.
    pub(crate) fn take(&mut self, memory: &SharedMemory) -> Result<Option<(u16, Completion)>, OutOfRange> {
        let at = self.completions_at() + u64::from(self.oldest_tag()) * Completion::BYTES as u64;
        // The word with the phase is written last, so it is read first; the copy is the card's word no more.
        let last = memory.load(at + Completion::LAST_WORD as u64, Ordering::Acquire)?;
        let mut bytes = [0; Completion::BYTES];
        memory.read(at, &mut bytes[..Completion::LAST_WORD])?;
        bytes[Completion::LAST_WORD..].copy_from_slice(&last.to_le_bytes());
        let record = Completion::from_bytes(&bytes);
        let index = self.completed;
        if !record.is_new(index, self.log2) {
            return Ok(None);
        }
        self.completed = index.wrapping_add(1);
        Ok(Some((index, record)))
    }

    /// The completion doorbell's value.
    pub(crate) fn consumed(&self) -> u16 {
        self.completed
    }
}
