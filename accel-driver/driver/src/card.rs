//! One card: bring-up, jobs, recovery.

use std::time::{Duration, Instant};

use lockstep_accel_abi::codes::InterruptBits;
use lockstep_accel_abi::events::{self, Event};
use lockstep_accel_abi::registers::{self, fields};
use lockstep_accel_abi::{Completion, Descriptor, PCI_DEVICE, PCI_VENDOR};
use lockstep_accel_memory::{OutOfRange, SharedMemory};

use crate::interrupts::Interrupts;
use crate::registers::Registers;
use crate::rings::Rings;
use crate::transport::COMMAND;
use crate::{Capabilities, Error, Options, Outcome, Transport, TransportError};

/// Bits of the PCI command register: the card answers at its BARs; the card may use DMA.
const MEMORY: u16 = 1 << 1;
const MASTER: u16 = 1 << 2;

/// A card that takes jobs.
#[derive(Debug)]
pub struct Card<T: Transport> {
    transport: T,
    options: Options,
    capabilities: Capabilities,
    /// The rings, and behind them the memory for data.
    memory: SharedMemory,
    rings: Rings,
    interrupts: Interrupts,
    /// How many waits an interrupt ended.
    heard: u64,
    resets: u64,
}

impl<T: Transport> Card<T> {
    /// How long the card may take to enable its queue, and to end a job that was aborted.
    const OBEY: Duration = Duration::from_millis(500);
    /// The driver looks at the completion ring this often, in case an interrupt was lost.
    const LOOK: Duration = Duration::from_millis(20);

    /// Resets the card behind a transport, checks its identity and version, and enables its queue.
    ///
    /// # Errors
    /// [`Error::Foreign`] if the card is of another kind, [`Error::Option`] if the card cannot take
    /// an option, or the card, the transport or the system failed.
    pub fn open(transport: T, options: Options) -> Result<Self, Error> {
        let mut ids = [0; 4];
        transport.read_config(0, &mut ids).map_err(failed("reading the card's ids"))?;
        let (value, needed) = (u32::from_le_bytes(ids), u32::from(PCI_DEVICE) << 16 | u32::from(PCI_VENDOR));
        if value != needed {
            return Err(Error::Foreign { what: "PCI id", value, needed });
        }
        let capabilities = restart(&transport)?;
        options.check(&capabilities)?;
        let memory = SharedMemory::create("lockstep-card", options.memory_bytes())
            .map_err(|source| Error::System { what: "memory for the card", source })?;
        let (rings, interrupts) = (Rings::new(options.ring_log2), Interrupts::new()?);
        transport.map(options.iova, &memory).map_err(failed("mapping memory for the card"))?;
        // From here on, dropping `card` unmaps the memory.
        let mut card =
            Self { transport, options, capabilities, memory, rings, interrupts, heard: 0, resets: 0 };
        card.enable()?;
        Ok(card)
    }

    /// Enables the queue after a reset.
    fn enable(&mut self) -> Result<(), Error> {
        self.rings.clear(&self.memory).map_err(impossible)?;
        command(&self.transport, MEMORY | MASTER)?;
        let fds = self.interrupts.fds();
        self.transport.set_interrupts(&fds).map_err(failed("setting the card's interrupts"))?;
        let registers = self.registers();
        registers.write_long(registers::SUBMIT_BASE_LO, self.options.iova)?;
        registers.write_long(registers::COMPLETE_BASE_LO, self.options.iova + self.rings.completions_at())?;
        registers.write(registers::RING_LOG2, self.rings.log2())?;
        registers.write(registers::INT_ENABLE, InterruptBits::COMPLETION | InterruptBits::ERROR)?;
        registers.write(registers::CONTROL, fields::CONTROL::ENABLE.mask())?;
        registers.wait(fields::STATUS::READY, "ready", Self::OBEY)
    }

    /// Resets the card and enables its queue again. Pending jobs are lost, and the contents of card
    /// memory may be lost.
    ///
    /// # Errors
    /// The card does not become ready, or reports other capabilities than before.
    pub fn reset(&mut self) -> Result<(), Error> {
        self.resets += 1;
        let found = restart(&self.transport)?;
        if found != self.capabilities {
            return Err(Error::Foreign {
                what: "BUILD_ID",
                value: found.build,
                needed: self.capabilities.build,
            });
        }
        self.enable()
    }

    /// The size and the limits of the card.
    #[must_use]
    pub const fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// How often the driver reset the card since it opened the card. Each reset may clear card
    /// memory.
    #[must_use]
    pub const fn resets(&self) -> u64 {
        self.resets
    }

    /// How many waits an interrupt ended. If jobs end but this number does not grow, then
    /// interrupts are lost, and the driver finds each record up to 20 ms late.
    #[must_use]
    pub const fn interrupts(&self) -> u64 {
        self.heard
    }

    /// Bytes of the memory for data: host memory for inputs, results and copies, which the card
    /// reaches.
    #[must_use]
    pub fn data_bytes(&self) -> u64 {
        self.memory.size() as u64 - self.rings.bytes()
    }

    /// Bus address of byte `offset` of the memory for data.
    #[must_use]
    pub fn data_iova(&self, offset: u64) -> u64 {
        self.options.iova + self.rings.bytes() + offset
    }

    /// Copies bytes into the memory for data.
    ///
    /// # Errors
    /// The range is outside this memory.
    pub fn write_data(&self, offset: u64, bytes: &[u8]) -> Result<(), OutOfRange> {
        self.memory.write(self.data_at(offset, bytes.len())?, bytes)
    }

    /// Copies bytes out of the memory for data.
    ///
    /// # Errors
    /// The range is outside this memory.
    pub fn read_data(&self, offset: u64, bytes: &mut [u8]) -> Result<(), OutOfRange> {
        self.memory.read(self.data_at(offset, bytes.len())?, bytes)
    }

    fn data_at(&self, offset: u64, len: usize) -> Result<u64, OutOfRange> {
        let out = OutOfRange { offset, len, size: self.data_bytes() as usize };
        offset.checked_add(self.rings.bytes()).ok_or(out)
    }

    /// Reads one of the card's counters.
    ///
    /// # Errors
    /// The transport failed.
    pub fn counter(&self, event: Event) -> Result<u64, Error> {
        events::read_counter(event, |register| self.registers().read(register))
    }

    /// Runs jobs in their order, as many at once as the rings hold, and returns one outcome for
    /// each. The driver sets the tags and decides which jobs raise an interrupt. It aborts a job
    /// that is the oldest pending one for longer than [`Options::job_time`]; that job ends as
    /// [`lockstep_accel_abi::Status::Aborted`].
    ///
    /// # Errors
    /// The card failed as a whole. After [`Error::Deadline`], [`Error::Halted`] and
    /// [`Error::Record`] the driver has reset the card, and the card takes jobs again.
    pub fn execute(&mut self, jobs: &[Descriptor]) -> Result<Vec<Outcome>, Error> {
        let mut outcomes = Vec::with_capacity(jobs.len());
        let mut left = jobs.iter();
        while outcomes.len() < jobs.len() {
            self.submit(&mut left)?;
            let outcome = match self.wait() {
                Err(error @ (Error::Deadline { .. } | Error::Halted { .. } | Error::Record { .. })) => {
                    self.reset()?;
                    return Err(error);
                }
                other => other?,
            };
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    /// Fills the submission ring when at most half of it is pending. The jobs in entry 0 and in the
    /// middle entry, the job that fills the ring, and the last job of all raise an interrupt.
    fn submit(&mut self, left: &mut std::slice::Iter<'_, Descriptor>) -> Result<(), Error> {
        let half = self.rings.half();
        if left.len() == 0 || self.rings.pending() > half {
            return Ok(());
        }
        while !self.rings.is_full()
            && let Some(job) = left.next()
        {
            let tag = self.rings.next_tag();
            let job = Descriptor { tag, ..*job };
            let last = left.len() == 0 || self.rings.pending() + 1 == 1 << self.rings.log2();
            let job = if last || tag.is_multiple_of(half) { job.with_interrupt() } else { job };
            self.rings.push(&self.memory, &job).map_err(impossible)?;
        }
        self.rings.publish(&self.registers())
    }

    /// Waits for the outcome of the oldest pending job, and aborts the job when its time is over.
    fn wait(&mut self) -> Result<Outcome, Error> {
        let (begin, tag) = (Instant::now(), self.rings.oldest_tag());
        let mut aborted = false;
        loop {
            if let Some((index, record)) = self.rings.take(&self.memory).map_err(impossible)? {
                return self.accept(index, &record, tag);
            }
            let limit = self.options.job_time + if aborted { Self::OBEY } else { Duration::ZERO };
            let left = limit.saturating_sub(begin.elapsed());
            if left.is_zero() {
                if aborted {
                    return Err(Error::Deadline { tag, limit: self.options.job_time });
                }
                self.registers().write(registers::ABORT, tag.into())?;
                aborted = true;
                continue;
            }
            self.heard += u64::from(self.interrupts.wait(left.min(Self::LOOK))?);
            let registers = self.registers();
            // Cleared before the next look at the ring: a record behind that look raises an
            // interrupt again.
            registers.write(registers::INT_STATUS, InterruptBits::COMPLETION | InterruptBits::ERROR)?;
            if fields::STATUS::HALTED.get(registers.status()?) == 1 {
                return Err(Error::Halted { errors: registers.read(registers::ERROR_STATUS)? });
            }
        }
    }

    /// Decodes a record of the job with tag `tag`, and gives its entry back to the card.
    fn accept(&self, index: u16, record: &Completion, tag: u16) -> Result<Outcome, Error> {
        let outcome = Outcome::decode(record, tag).map_err(|why| Error::Record { index, why })?;
        self.rings.release(&self.registers())?;
        Ok(outcome)
    }

    fn registers(&self) -> Registers<'_, T> {
        Registers(&self.transport)
    }
}

/// Stops the card's DMA and resets the card before the memory is unmapped: a pending job must not
/// write to pages that belong to another owner by then.
impl<T: Transport> Drop for Card<T> {
    fn drop(&mut self) {
        let _ = command(&self.transport, MEMORY);
        let _ = self.transport.reset();
        let _ = self.transport.unmap(self.options.iova, &self.memory);
    }
}

/// Resets the card and reads its capabilities.
fn restart<T: Transport>(transport: &T) -> Result<Capabilities, Error> {
    transport.reset().map_err(failed("resetting the card"))?;
    command(transport, MEMORY)?;
    Capabilities::read(&Registers(transport))
}

fn command<T: Transport>(transport: &T, value: u16) -> Result<(), Error> {
    transport.write_config(COMMAND, &value.to_le_bytes()).map_err(failed("writing the command register"))
}

fn failed(action: &'static str) -> impl FnOnce(TransportError) -> Error {
    move |source| Error::Transport { action: action.into(), source }
}

/// The error of an access to the rings outside the memory. Correct code never causes it.
fn impossible(range: OutOfRange) -> Error {
    Error::System { what: "the rings", source: std::io::Error::other(range) }
}
