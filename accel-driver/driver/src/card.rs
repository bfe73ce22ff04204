//! One card, for a thread that waits for it.

use std::time::{Duration, Instant};

use lockstep_accel_abi::Descriptor;
use lockstep_accel_abi::events::{self, Event};
use lockstep_accel_memory::OutOfRange;

use crate::queue::{News, Queue};
use crate::recovery::CardState;
use crate::supervisor::{Observer, Transitions};
use crate::{Capabilities, Error, Options, Outcome, Transport};

/// A card that takes jobs.
#[derive(Debug)]
pub struct Card<T: Transport> {
    pub(crate) queue: Queue<T>,
}

impl<T: Transport> Card<T> {
    /// A wait without an event to wait for ends after this time.
    const IDLE: Duration = Duration::from_secs(1);

    /// Resets the card behind a transport, checks its identity and version, and enables its queue.
    ///
    /// # Errors
    /// [`Error::Foreign`] if the card is of another kind, [`Error::Option`] if the card cannot take
    /// an option, or the card, the transport or the system failed.
    pub fn open(transport: T, options: Options) -> Result<Self, Error> {
        let mut card = Self { queue: Queue::open(transport, options)? };
        loop {
            if let Some(News::Lost(error)) = card.queue.poll(Instant::now(), false) {
                return Err(error);
            }
            if card.state() == CardState::Ready {
                return Ok(card);
            }
            card.wait()?;
        }
    }

    /// Tells an observer of every transition of the card's state from now on.
    pub fn observe(&mut self, observer: impl Observer + 'static) {
        self.queue.supervisor.observe(Box::new(observer));
    }

    /// The state of the card.
    #[must_use]
    pub const fn state(&self) -> CardState {
        self.queue.supervisor.state()
    }

    /// How often the card went from one state to another.
    #[must_use]
    pub const fn transitions(&self) -> &Transitions {
        self.queue.supervisor.transitions()
    }

    /// Resets the card and enables its queue again, also if it is fenced or gone. Pending jobs are
    /// lost, and the contents of card memory may be lost.
    ///
    /// # Errors
    /// The card does not become ready, or reports other capabilities than before.
    pub fn reset(&mut self) -> Result<(), Error> {
        match self.queue.reopen(Instant::now()) {
            Some(error) => Err(error),
            None => self.settle(),
        }
    }

    /// The size and the limits of the card.
    #[must_use]
    pub const fn capabilities(&self) -> &Capabilities {
        &self.queue.device.capabilities
    }

    /// Whether the system recalls the card: it is about to be unplugged, or bound to another
    /// driver. The system waits until the card is closed, so whoever owns the card should drop it.
    #[must_use]
    pub fn recalled(&self) -> bool {
        self.queue.device.interrupts.recalled()
    }

    /// How often the driver reset the card since it opened the card. Each reset may clear card
    /// memory.
    #[must_use]
    pub const fn resets(&self) -> u64 {
        self.queue.resets
    }

    /// How many waits an interrupt ended. If jobs end but this number does not grow, then
    /// interrupts are lost, and the driver looks for records every millisecond.
    #[must_use]
    pub const fn interrupts(&self) -> u64 {
        self.queue.heard
    }

    /// Bytes of the memory for data: host memory for inputs, results and copies, which the card
    /// reaches.
    #[must_use]
    pub fn data_bytes(&self) -> u64 {
        self.queue.device.memory.data_bytes()
    }

    /// Bus address of byte `offset` of the memory for data.
    #[must_use]
    pub fn data_iova(&self, offset: u64) -> u64 {
        self.queue.device.memory.data_iova(offset)
    }

    /// Copies bytes into the memory for data.
    ///
    /// # Errors
    /// The range is outside this memory.
    pub fn write_data(&self, offset: u64, bytes: &[u8]) -> Result<(), OutOfRange> {
        self.queue.device.memory.write_data(offset, bytes)
    }

    /// Copies bytes out of the memory for data.
    ///
    /// # Errors
    /// The range is outside this memory.
    pub fn read_data(&self, offset: u64, bytes: &mut [u8]) -> Result<(), OutOfRange> {
        self.queue.device.memory.read_data(offset, bytes)
    }

    /// Reads one of the card's counters.
    ///
    /// # Errors
    /// The transport failed, or the card's counter is faulty.
    pub fn counter(&self, event: Event) -> Result<u64, Error> {
        events::read_counter(event, |register| self.queue.device.registers().read(register))
    }

    /// Runs jobs in their order, as many at once as the rings hold, and returns one outcome for
    /// each. The driver sets the tags and decides which jobs raise an interrupt. It aborts a job
    /// that is the oldest pending one for longer than [`Options::job_time`]; that job ends as
    /// [`lockstep_accel_abi::Status::Aborted`].
    ///
    /// # Errors
    /// The card failed as a whole, and all jobs are lost: the driver cannot run them again, because
    /// a reset may clear what they need in card memory. After [`Error::Deadline`],
    /// [`Error::Halted`] and [`Error::Record`] the driver has reset the card. [`Self::state`] tells
    /// whether the card takes jobs again.
    pub fn execute(&mut self, jobs: &[Descriptor]) -> Result<Vec<Outcome>, Error> {
        self.settle()?;
        let mut outcomes = Vec::with_capacity(jobs.len());
        let mut left = jobs;
        while outcomes.len() < jobs.len() {
            // Half a ring at once: fewer doorbells.
            if self.queue.room() >= self.queue.pending() {
                let n = self.queue.submit(left, Instant::now())?;
                left = &left[n..];
            }
            outcomes.push(self.next()?);
        }
        if outcomes.iter().any(|outcome| outcome.success().is_ok()) {
            self.queue.supervisor.succeeded();
        }
        Ok(outcomes)
    }

    /// Waits for the outcome of the oldest job.
    fn next(&mut self) -> Result<Outcome, Error> {
        let mut heard = false;
        loop {
            match self.queue.poll(Instant::now(), heard) {
                Some(News::Ended(outcome)) => return Ok(outcome),
                Some(News::Lost(error)) => {
                    // The caller gets the first error. Whether the card takes jobs again, it learns
                    // from the state.
                    let _ = self.settle();
                    return Err(error);
                }
                None => {}
            }
            heard = match self.wait() {
                Ok(heard) => heard,
                Err(error) => return Err(self.queue.fault(error, Instant::now())),
            };
        }
    }

    /// Waits until the card takes jobs, or is in a state in which it takes none.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        let mut last = None;
        loop {
            if let Some(News::Lost(error)) = self.queue.poll(Instant::now(), false) {
                last = Some(error);
            }
            match self.state() {
                CardState::Ready | CardState::Aborting => return Ok(()),
                CardState::Resetting => {}
                CardState::Fenced | CardState::Gone => {
                    return Err(last.unwrap_or_else(|| self.queue.refusal(Instant::now())));
                }
            }
            self.wait()?;
        }
    }

    /// Waits for an interrupt, or until the queue must be polled. Returns whether an interrupt
    /// came.
    pub(crate) fn wait(&self) -> Result<bool, Error> {
        let now = Instant::now();
        let time = self.queue.wake_at().map_or(Self::IDLE, |at| at.saturating_duration_since(now));
        self.queue.device.interrupts.wait(time)
    }
}
