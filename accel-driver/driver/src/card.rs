//! One card: from power-up to jobs, and back when something goes wrong.

use std::time::{Duration, Instant};

use lockstep_accel_abi::codes::{Interrupts as Vectors, RING_LOG2};
use lockstep_accel_abi::events::{self, Event};
use lockstep_accel_abi::registers::{self, fields};
use lockstep_accel_abi::{Completion, Descriptor, PCI_DEVICE, PCI_VENDOR};
use lockstep_accel_memory::{OutOfRange, SharedMemory};

use crate::interrupts::Interrupts;
use crate::registers::Registers;
use crate::rings::Rings;
use crate::transport::COMMAND;
use crate::{Capabilities, Error, Transport, TransportError};

/// How a card is used.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Base-2 logarithm of the rings' entries.
    pub ring_log2: u32,
    /// Bytes of host memory that the card reaches: rings, inputs, results, copies on their way.
    pub memory: usize,
    /// The address that the card knows this memory by.
    pub iova: u64,
    /// How long a job may be the oldest one under way.
    pub job_time: Duration,
}

impl Default for Options {
    /// 64 entries, 16 MiB, five seconds.
    fn default() -> Self {
        Self { ring_log2: 6, memory: 16 << 20, iova: 1 << 32, job_time: Duration::from_secs(5) }
    }
}

/// Bits of the command register.
const MEMORY: u16 = 1 << 1;
const MASTER: u16 = 1 << 2;

/// A card that takes jobs.
#[derive(Debug)]
pub struct Card<T: Transport> {
    transport: T,
    options: Options,
    capabilities: Capabilities,
    memory: SharedMemory,
    rings: Rings,
    interrupts: Interrupts,
    heard: u64,
    resets: u64,
}

impl<T: Transport> Card<T> {
    /// How long the card may take to switch its queue on, and to end a job that was aborted.
    const OBEY: Duration = Duration::from_millis(500);
    /// An interrupt may be lost: the ring is looked at so often without one.
    const LOOK: Duration = Duration::from_millis(20);

    /// Resets the card behind a transport, checks that it is one this driver knows, and makes it ready.
    ///
    /// # Errors
    /// No such card, options that it does not take, or a failure on the way.
    pub fn open(transport: T, options: Options) -> Result<Self, Error> {
        let mut ids = [0; 4];
        transport.read_config(0, &mut ids).map_err(failed("reading the card's ids"))?;
        let (value, needed) = (u32::from_le_bytes(ids), u32::from(PCI_DEVICE) << 16 | u32::from(PCI_VENDOR));
        if value != needed {
            return Err(Error::Foreign { what: "PCI id", value, needed });
        }
        let capabilities = restart(&transport)?;
        let rings = Rings::new(options.ring_log2);
        let refuse = |what, value, allowed| Err(Error::Option { what, value, allowed });
        if !(RING_LOG2.0..=capabilities.ring_log2).contains(&options.ring_log2) {
            let allowed = format!("{} to {}", RING_LOG2.0, capabilities.ring_log2);
            return refuse("ring_log2", options.ring_log2.into(), allowed);
        }
        let least = rings.bytes() + Self::LEAST_DATA;
        if (options.memory as u64) < least {
            return refuse("memory", options.memory as u64, format!("{least} bytes and more"));
        }
        let bytes = options.memory.checked_next_multiple_of(Self::PAGE).unwrap_or(options.memory);
        let memory = SharedMemory::create("lockstep-card", bytes)
            .map_err(|source| Error::System { what: "memory for the card", source })?;
        let interrupts = Interrupts::new()?;
        // From here on the drop takes the memory away again.
        transport.map(options.iova, &memory).map_err(failed("mapping memory for the card"))?;
        let mut card =
            Self { transport, options, capabilities, memory, rings, interrupts, heard: 0, resets: 0 };
        card.enable()?;
        Ok(card)
    }

    /// What an IOMMU maps.
    const PAGE: usize = 4096;
    /// Least bytes for data.
    const LEAST_DATA: u64 = 4096;

    /// Makes the card ready, after a reset.
    fn enable(&mut self) -> Result<(), Error> {
        self.rings.clear(&self.memory).map_err(impossible)?;
        command(&self.transport, MEMORY | MASTER)?;
        let fds = self.interrupts.fds();
        self.transport.set_interrupts(&fds).map_err(failed("setting the card's interrupts"))?;
        let registers = Registers(&self.transport);
        registers.write_long(registers::SUBMIT_BASE_LO, self.options.iova)?;
        registers.write_long(registers::COMPLETE_BASE_LO, self.options.iova + self.rings.completions_at())?;
        registers.write(registers::RING_LOG2, self.rings.log2())?;
        registers.write(registers::INT_ENABLE, Vectors::COMPLETION | Vectors::ERROR)?;
        registers.write(registers::CONTROL, fields::CONTROL::ENABLE.mask())?;
        registers.wait(fields::STATUS::READY, "ready", Self::OBEY)
    }

    /// Resets the card and makes it ready again. Jobs under way are lost, and so may be what is in card memory.
    ///
    /// # Errors
    /// It does not come back.
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

    /// What the card can do.
    #[must_use]
    pub const fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// How often the card was reset since it was opened: what was in card memory then counts as lost.
    #[must_use]
    pub const fn resets(&self) -> u64 {
        self.resets
    }

    /// How many waits an interrupt ended. Where it stays while jobs end, interrupts are lost and each wait takes its time.
    #[must_use]
    pub const fn interrupts(&self) -> u64 {
        self.heard
    }

    /// Bytes of host memory for inputs, results and copies.
    #[must_use]
    pub fn data_bytes(&self) -> u64 {
        self.memory.size() as u64 - self.rings.bytes()
    }

    /// The address that the card knows byte `offset` of that memory by.
    #[must_use]
    pub fn data_iova(&self, offset: u64) -> u64 {
        self.options.iova + self.rings.bytes() + offset
    }

    /// Copies bytes into that memory.
    ///
    /// # Errors
    /// They do not lie in it.
    pub fn write_data(&self, offset: u64, bytes: &[u8]) -> Result<(), OutOfRange> {
        self.memory.write(self.data_at(offset, bytes.len())?, bytes)
    }

    /// Copies bytes out of that memory.
    ///
    /// # Errors
    /// They do not lie in it.
    pub fn read_data(&self, offset: u64, bytes: &mut [u8]) -> Result<(), OutOfRange> {
        self.memory.read(self.data_at(offset, bytes.len())?, bytes)
    }

    fn data_at(&self, offset: u64, len: usize) -> Result<u64, OutOfRange> {
        let out = OutOfRange { offset, len, size: self.data_bytes() as usize };
        offset.checked_add(self.rings.bytes()).ok_or(out)
    }

    /// One of the card's counters.
    ///
    /// # Errors
    /// Of the transport.
    pub fn counter(&self, event: Event) -> Result<u64, Error> {
        events::read_counter(event, |register| Registers(&self.transport).read(register))
    }

    /// Runs jobs, in order and as many at once as the rings hold, and returns how each ended: judging that is the caller's. The driver sets
    /// tags and asks for interrupts. A job that is the oldest for longer than its time is aborted and ends as [`lockstep_accel_abi::Status::Aborted`].
    ///
    /// # Errors
    /// The card failed as a whole. It was reset and can be used again, but for [`Error::Gone`] and failures of the transport.
    pub fn execute(&mut self, jobs: &[Descriptor]) -> Result<Vec<Completion>, Error> {
        let mut records = Vec::with_capacity(jobs.len());
        let mut left = jobs.iter();
        while records.len() < jobs.len() {
            self.submit(&mut left)?;
            let record = match self.wait() {
                Err(error @ (Error::Deadline { .. } | Error::Halted { .. } | Error::Record { .. })) => {
                    self.reset()?;
                    return Err(error);
                }
                other => other?,
            };
            records.push(record);
        }
        Ok(records)
    }

    /// Fills the submission ring. An interrupt comes when half of it is done, or all that there is.
    fn submit(&mut self, left: &mut std::slice::Iter<'_, Descriptor>) -> Result<(), Error> {
        let half = 1 << (self.rings.log2() - 1);
        if left.len() == 0 || self.rings.under_way() > half {
            return Ok(());
        }
        while !self.rings.is_full()
            && let Some(job) = left.next()
        {
            let tag = self.rings.next_tag();
            let job = Descriptor { tag, ..*job };
            let last = left.len() == 0 || self.rings.under_way() + 1 == 1 << self.rings.log2();
            let job = if last || tag.is_multiple_of(half) { job.with_interrupt() } else { job };
            self.rings.push(&self.memory, &job).map_err(impossible)?;
        }
        Registers(&self.transport).write(registers::DOORBELL_SUBMIT, self.rings.doorbell().into())
    }

    /// The next record. The oldest job is aborted when its time is over.
    fn wait(&mut self) -> Result<Completion, Error> {
        let (begin, tag) = (Instant::now(), self.rings.oldest_tag());
        let mut aborted = false;
        loop {
            if let Some((index, record)) = self.rings.take(&self.memory).map_err(impossible)? {
                return self.accept(index, record, tag);
            }
            let limit = self.options.job_time + if aborted { Self::OBEY } else { Duration::ZERO };
            let left = limit.saturating_sub(begin.elapsed());
            if left.is_zero() {
                if aborted {
                    return Err(Error::Deadline { tag, limit: self.options.job_time });
                }
                Registers(&self.transport).write(registers::ABORT, tag.into())?;
                aborted = true;
                continue;
            }
            self.heard += u64::from(self.interrupts.wait(left.min(Self::LOOK))?);
            let registers = Registers(&self.transport);
            // Cleared before the ring is looked at: what comes behind the look is a new edge.
            registers.write(registers::INT_STATUS, Vectors::COMPLETION | Vectors::ERROR)?;
            if fields::STATUS::HALTED.get(registers.status()?) == 1 {
                return Err(Error::Halted { errors: registers.read(registers::ERROR_STATUS)? });
            }
        }
    }

    /// Believes a record if it is the oldest job's, and gives its place back.
    fn accept(&mut self, index: u16, record: Completion, tag: u16) -> Result<Completion, Error> {
        let unread = lockstep_accel_abi::codes::NO_TAG;
        let status = record.outcome();
        if record.tag != tag && record.tag != unread {
            return Err(Error::Record {
                index,
                why: format!("its tag is {}, the oldest job's is {tag}", record.tag),
            });
        }
        if let Err(status) = status {
            return Err(Error::Record { index, why: format!("there is no status {status}") });
        }
        let consumed = self.rings.consumed();
        // One doorbell for half a ring: the card has room until then.
        if consumed.is_multiple_of(1 << (self.rings.log2() - 1)) {
            Registers(&self.transport).write(registers::DOORBELL_COMPLETE, consumed.into())?;
        }
        Ok(record)
    }
}

/// Bus master off and reset before the memory is taken away: a job that is still under way must not meet pages that have another owner.
impl<T: Transport> Drop for Card<T> {
    fn drop(&mut self) {
        let _ = command(&self.transport, MEMORY);
        let _ = self.transport.reset();
        let _ = self.transport.unmap(self.options.iova, &self.memory);
    }
}

/// Resets the card and looks at what is there then.
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

/// The rings lie in the memory: it was made for them.
fn impossible(range: OutOfRange) -> Error {
    Error::System { what: "the rings", source: std::io::Error::other(range) }
}
