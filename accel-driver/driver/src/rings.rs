//! The submission ring and the completion ring, in host memory that the card reads and writes.

use std::sync::atomic::Ordering;

use lockstep_accel_abi::codes::RING_ALIGN;
use lockstep_accel_abi::{Completion, Descriptor, ring};
use lockstep_accel_memory::{OutOfRange, SharedMemory, fence};

use crate::Error;

/// The size of the rings and the driver's two indices. The submission ring starts at byte 0 of the
/// memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rings {
    /// Base-2 logarithm of the entries of each ring.
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

    /// Byte offset of the completion ring.
    pub(crate) fn completions_at(&self) -> u64 {
        ((Descriptor::BYTES << self.log2) as u64).next_multiple_of(RING_ALIGN)
    }

    /// Bytes of both rings.
    pub(crate) fn bytes(&self) -> u64 {
        self.completions_at() + ((Completion::BYTES << self.log2) as u64).next_multiple_of(RING_ALIGN)
    }

    pub(crate) fn log2(&self) -> u32 {
        self.log2
    }

    /// Half of a ring's entries.
    pub(crate) fn half(&self) -> u16 {
        1 << (self.log2 - 1)
    }

    /// Empties both rings. A reset of the card sets the card's indices to 0 as well.
    pub(crate) fn clear(&mut self, memory: &SharedMemory) -> Result<(), OutOfRange> {
        *self = Self::new(self.log2);
        memory.write(0, &vec![0; self.bytes() as usize])
    }

    /// How many submitted jobs have no record yet.
    pub(crate) fn pending(&self) -> u16 {
        ring::used(self.submitted, self.completed)
    }

    /// Tag of the next job. Tags are the low bits of the index, so two pending jobs never share a
    /// tag.
    pub(crate) fn next_tag(&self) -> u16 {
        ring::slot(self.submitted, self.log2)
    }

    /// Tag of the oldest pending job.
    pub(crate) fn oldest_tag(&self) -> u16 {
        ring::slot(self.completed, self.log2)
    }

    /// Writes a descriptor into the next entry. The card reads it after [`Self::publish`].
    pub(crate) fn push(&mut self, memory: &SharedMemory, descriptor: &Descriptor) -> Result<(), OutOfRange> {
        let at = u64::from(self.next_tag()) * Descriptor::BYTES as u64;
        memory.write(at, &descriptor.to_bytes())?;
        self.submitted = self.submitted.wrapping_add(1);
        Ok(())
    }

    /// Rings the submission doorbell: the card may read all descriptors that were pushed.
    pub(crate) fn publish(&self, doorbell: impl FnOnce(u16) -> Result<(), Error>) -> Result<(), Error> {
        // The descriptors must be in memory before the card hears of them.
        fence(Ordering::Release);
        doorbell(self.submitted)
    }

    /// Copies the next record and its index, if the card has written it.
    pub(crate) fn take(&mut self, memory: &SharedMemory) -> Result<Option<(u16, Completion)>, OutOfRange> {
        let at = self.completions_at() + u64::from(self.oldest_tag()) * Completion::BYTES as u64;
        // The card writes the word with the phase last, so the driver reads it first.
        let last = memory.load(at + Completion::LAST_WORD as u64, Ordering::Acquire)?;
        let mut bytes = [0; Completion::BYTES];
        bytes[Completion::LAST_WORD..].copy_from_slice(&last.to_le_bytes());
        let index = self.completed;
        if !Completion::from_bytes(&bytes).is_new(index, self.log2) {
            return Ok(None);
        }
        memory.read(at, &mut bytes[..Completion::LAST_WORD])?;
        self.completed = index.wrapping_add(1);
        Ok(Some((index, Completion::from_bytes(&bytes))))
    }

    /// Rings the completion doorbell after every half ring: the card may overwrite the records that
    /// were taken. The other half is enough room for the card until then.
    pub(crate) fn release(&self, doorbell: impl FnOnce(u16) -> Result<(), Error>) -> Result<(), Error> {
        if !self.completed.is_multiple_of(self.half()) {
            return Ok(());
        }
        // The copies of the records must be complete before the card overwrites the records.
        fence(Ordering::Release);
        doorbell(self.completed)
    }
}

#[cfg(all(test, lockstep_loom))]
mod loom;

#[cfg(all(test, not(lockstep_loom)))]
#[allow(clippy::unwrap_used)]
mod tests {
    use lockstep_accel_abi::{Completion, Descriptor, ring};
    use lockstep_accel_memory::SharedMemory;

    use super::{Ordering, Rings};

    /// Two entries: every second job begins a new pass over the ring.
    const LOG2: u32 = 1;

    /// The card's side: writes the record at an index, its last word last.
    fn record(memory: &SharedMemory, rings: &Rings, index: u16, record: Completion) {
        let at = rings.completions_at() + u64::from(ring::slot(index, LOG2)) * Completion::BYTES as u64;
        let bytes = Completion { flags: ring::phase(index, LOG2), ..record }.to_bytes();
        let (first, last) = bytes.split_at(Completion::LAST_WORD);
        memory.write(at, first).unwrap();
        let last = u32::from_le_bytes(last.try_into().unwrap());
        memory.store(at + first.len() as u64, last, Ordering::Release).unwrap();
    }

    fn made() -> (SharedMemory, Rings) {
        let mut rings = Rings::new(LOG2);
        let memory = SharedMemory::create("test", rings.bytes() as usize).unwrap();
        rings.clear(&memory).unwrap();
        (memory, rings)
    }

    #[test]
    fn descriptors_and_records_go_round() {
        let (memory, mut rings) = made();
        for index in 0..7 {
            assert_eq!(rings.take(&memory).unwrap(), None, "nothing, or the record of a pass before");
            let job = Descriptor::nop(rings.next_tag());
            rings.push(&memory, &job).unwrap();
            let mut bytes = [0; Descriptor::BYTES];
            let at = u64::from(ring::slot(index, LOG2)) * Descriptor::BYTES as u64;
            memory.read(at, &mut bytes).unwrap();
            assert_eq!((Descriptor::from_bytes(&bytes), rings.pending()), (job, 1));
            record(&memory, &rings, index, Completion { tag: job.tag, cycles: 9, ..Completion::default() });
            let (found, taken) = rings.take(&memory).unwrap().unwrap();
            assert_eq!((found, taken.tag, taken.cycles, rings.pending()), (index, job.tag, 9, 0));
        }
    }

    /// A card on another thread. Miri plays orders of loads and stores that this machine may never
    /// show: with a weaker ordering of the last word, the driver would see a record's rest too old.
    #[test]
    fn a_new_record_is_whole() {
        let (memory, mut rings) = made();
        let card = Rings::new(LOG2);
        let jobs = 2;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for index in 0..jobs {
                    let cycles = 1 + u64::from(index);
                    record(
                        &memory,
                        &card,
                        index,
                        Completion { cycles, address: !cycles, ..Completion::default() },
                    );
                }
            });
            for index in 0..jobs {
                let taken = loop {
                    match rings.take(&memory).unwrap() {
                        Some((_, taken)) => break taken,
                        None => std::thread::yield_now(),
                    }
                };
                assert_eq!((taken.cycles, taken.address), (1 + u64::from(index), !(1 + u64::from(index))));
            }
        });
    }
}
