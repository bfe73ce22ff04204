//! The whole card with a small driver: registers, two rings in host memory, a card memory.

use lockstep_accel_abi::registers::{self, fields};
use lockstep_accel_abi::{Completion, Descriptor, ring};

use crate::{Error, Memory, SharedMemory, Top, TopSetup};

/// The settings of a simulated card.
#[derive(Clone, Debug)]
pub struct CardSetup {
    /// The design, its memories and its pauses.
    pub top: TopSetup,
    /// Bytes of host memory for data, beside the rings.
    pub host_bytes: usize,
    /// Bytes of card memory.
    pub card_bytes: usize,
    /// Each ring has 2^`ring_log2` entries.
    pub ring_log2: u32,
}

/// A simulated card with a small synchronous driver. Every wait has a limit in cycles.
pub struct Card {
    /// The card's ports: registers, interrupts, the clock.
    pub top: Top,
    host: SharedMemory,
    card: SharedMemory,
    ring_log2: u32,
    submitted: u16,
    completed: u16,
}

impl Card {
    /// IOVA of the submission ring.
    pub const SUBMIT_BASE: u64 = 0x12_3450_0000_0000;
    /// IOVA of the completion ring.
    pub const COMPLETE_BASE: u64 = 0x12_3450_1000_0000;
    /// IOVA of the data.
    pub const DATA_BASE: u64 = 0x12_3450_2000_0000;

    /// A card out of reset, its queue not yet enabled.
    ///
    /// # Errors
    /// The design does not build or lacks a port.
    pub fn new(setup: &CardSetup) -> Result<Self, Error> {
        let entries = 1_usize << setup.ring_log2;
        let mut host = Memory::new(Self::SUBMIT_BASE, vec![0; entries * Descriptor::BYTES]);
        // A bus reads whole beats, so the memory of a ring has one beat at least.
        host.region(Self::COMPLETE_BASE, vec![0; (entries * Completion::BYTES).max(64)]);
        host.region(Self::DATA_BASE, vec![0; setup.host_bytes]);
        let (host, card) = (host.share(), Memory::new(0, vec![0; setup.card_bytes]).share());
        let top = Top::new(&setup.top, host.clone(), card.clone())?;
        Ok(Self { top, host, card, ring_log2: setup.ring_log2, submitted: 0, completed: 0 })
    }

    /// Sets up the rings and enables the queue, after a reset. It clears the memory of the rings
    /// and starts the indices at 0.
    ///
    /// # Errors
    /// An error of the bench or of the design.
    pub fn enable(&mut self) -> Result<(), Error> {
        let entries = 1_usize << self.ring_log2;
        self.host_write(Self::SUBMIT_BASE, &vec![0; entries * Descriptor::BYTES]);
        self.host_write(Self::COMPLETE_BASE, &vec![0; entries * Completion::BYTES]);
        (self.submitted, self.completed) = (0, 0);
        let halves = |base: u64| (base as u32, (base >> 32) as u32);
        let (submit, complete) = (halves(Self::SUBMIT_BASE), halves(Self::COMPLETE_BASE));
        self.top.write(registers::SUBMIT_BASE_LO, submit.0)?;
        self.top.write(registers::SUBMIT_BASE_HI, submit.1)?;
        self.top.write(registers::COMPLETE_BASE_LO, complete.0)?;
        self.top.write(registers::COMPLETE_BASE_HI, complete.1)?;
        self.top.write(registers::RING_LOG2, self.ring_log2)?;
        self.top.write(registers::CONTROL, fields::CONTROL::ENABLE.mask())
    }

    /// Asks for a soft reset and waits for its end.
    ///
    /// # Errors
    /// An error of the bench or of the design, or the reset does not end within `limit` cycles.
    pub fn reset(&mut self, limit: u64) -> Result<(), Error> {
        self.top.write(registers::CONTROL, fields::CONTROL::RESET.mask())?;
        let begin = self.top.sim().cycles();
        while fields::CONTROL::RESET.get(self.top.read(registers::CONTROL)?) != 0 {
            if self.top.sim().cycles() - begin > limit {
                return Err(Error::Deadline {
                    cycle: self.top.sim().cycles(),
                    limit,
                    waiting: "soft reset".into(),
                });
            }
        }
        Ok(())
    }

    /// Puts commands into the submission ring and does not ring the doorbell.
    pub fn queue(&mut self, commands: &[Descriptor]) {
        for command in commands {
            let slot = u64::from(ring::slot(self.submitted, self.ring_log2));
            self.host_write(Self::SUBMIT_BASE + slot * Descriptor::BYTES as u64, &command.to_bytes());
            self.submitted = self.submitted.wrapping_add(1);
        }
    }

    /// Puts commands into the submission ring and rings the doorbell.
    ///
    /// # Errors
    /// An error of the bench or of the design.
    pub fn submit(&mut self, commands: &[Descriptor]) -> Result<(), Error> {
        self.queue(commands);
        self.top.write(registers::DOORBELL_SUBMIT, self.submitted.into())
    }

    /// The next record, if there is one. [`Self::acknowledge`] tells the card that it was read.
    ///
    /// # Panics
    /// The ring lies outside of host memory.
    pub fn poll(&mut self) -> Option<Completion> {
        let slot = u64::from(ring::slot(self.completed, self.ring_log2));
        let bytes = self.host_read(Self::COMPLETE_BASE + slot * Completion::BYTES as u64, Completion::BYTES);
        let record = Completion::from_bytes(bytes.as_slice().try_into().unwrap_or(&[0; Completion::BYTES]));
        record.is_new(self.completed, self.ring_log2).then(|| {
            self.completed = self.completed.wrapping_add(1);
            record
        })
    }

    /// Tells the card which records have been read.
    ///
    /// # Errors
    /// An error of the bench or of the design.
    pub fn acknowledge(&mut self) -> Result<(), Error> {
        self.top.write(registers::DOORBELL_COMPLETE, self.completed.into())
    }

    /// Waits for `n` records, at most `limit` cycles for each, and acknowledges them.
    ///
    /// # Errors
    /// An error of the bench or of the design, or a record that does not come in time.
    pub fn wait(&mut self, n: usize, limit: u64) -> Result<Vec<Completion>, Error> {
        let mut records = Vec::with_capacity(n);
        let mut begin = self.top.sim().cycles();
        while records.len() < n {
            if let Some(record) = self.poll() {
                records.push(record);
                begin = self.top.sim().cycles();
            } else if self.top.sim().cycles() - begin >= limit {
                let waiting = format!("record {} of {n}", records.len());
                return Err(Error::Deadline { cycle: self.top.sim().cycles(), limit, waiting });
            } else {
                self.top.run(1)?;
            }
        }
        self.acknowledge()?;
        Ok(records)
    }

    /// Host memory.
    #[must_use]
    pub fn host_memory(&self) -> SharedMemory {
        self.host.clone()
    }

    /// Card memory, for the bench to read and write directly.
    #[must_use]
    pub fn card_memory(&self) -> SharedMemory {
        self.card.clone()
    }

    /// Reads host memory. Faults do not apply.
    ///
    /// # Panics
    /// The address lies outside of host memory.
    #[must_use]
    pub fn host_read(&self, address: u64, bytes: usize) -> Vec<u8> {
        self.host.borrow().peek(address, bytes).to_vec()
    }

    /// Writes host memory. Faults do not apply.
    ///
    /// # Panics
    /// The address lies outside of host memory.
    pub fn host_write(&self, address: u64, bytes: &[u8]) {
        self.host.borrow_mut().poke(address, bytes);
    }
}
