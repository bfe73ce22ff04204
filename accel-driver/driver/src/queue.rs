//! The jobs of one card in flight. No function waits: the caller asks again when the card raises
//! an interrupt, and at the time that [`Queue::wake_at`] tells.

use std::time::{Duration, Instant};

use lockstep_accel_abi::codes::InterruptBits;
use lockstep_accel_abi::registers::{self, DOORBELL_COMPLETE, DOORBELL_SUBMIT, fields};
use lockstep_accel_abi::{Completion, Descriptor};

use crate::device::Device;
use crate::host_memory::outside;
use crate::job_log::JobLog;
use crate::recovery::{Action, CardState, Cause};
use crate::rings::Rings;
use crate::supervisor::Supervisor;
use crate::{Error, Options, Outcome, Transport};

/// What the caller must know.
#[derive(Debug)]
pub(crate) enum News {
    /// The oldest job ended.
    Ended(Outcome),
    /// All jobs in flight are lost, or a reset failed. The error says why.
    Lost(Error),
}

/// A card, its rings, and its state.
#[derive(Debug)]
pub(crate) struct Queue<T: Transport> {
    pub(crate) device: Device<T>,
    rings: Rings,
    pub(crate) supervisor: Supervisor,
    /// Since when the oldest job is the oldest one.
    since: Instant,
    /// When to look at the card without an interrupt.
    look_at: Instant,
    /// Until when the card must be ready; set at the first look after a reset.
    ready_until: Option<Instant>,
    /// An interrupt came, and the registers were not looked at since.
    called: bool,
    /// A record came without an interrupt, and no interrupt came since.
    deaf: bool,
    /// How many waits an interrupt ended.
    pub(crate) heard: u64,
    pub(crate) resets: u64,
    pub(crate) log: JobLog,
    /// The last failure, for the callers that are refused.
    failure: String,
}

impl<T: Transport> Queue<T> {
    /// How long the card may take to enable its queue, and to end a job that was aborted.
    const OBEY: Duration = Duration::from_millis(500);
    /// The driver looks at the completion ring this often, in case an interrupt was lost.
    const LOOK: Duration = Duration::from_millis(20);
    /// The same while interrupts are lost.
    const LOOK_DEAF: Duration = Duration::from_millis(1);
    /// The driver looks this often whether the card is ready after a reset.
    const LOOK_READY: Duration = Duration::from_micros(50);

    /// Resets the card, checks its identity and version, and enables its queue. The card is in
    /// state [`CardState::Resetting`] afterwards.
    pub(crate) fn open(transport: T, options: Options) -> Result<Self, Error> {
        let now = Instant::now();
        let mut queue = Self {
            device: Device::open(transport, options)?,
            rings: Rings::new(options.ring_log2),
            supervisor: Supervisor::new(options.recovery),
            since: now,
            look_at: now,
            ready_until: None,
            called: false,
            deaf: false,
            heard: 0,
            resets: 0,
            log: JobLog::default(),
            failure: String::new(),
        };
        queue.device.enable(&mut queue.rings)?;
        Ok(queue)
    }

    /// How many more jobs the rings take.
    pub(crate) fn room(&self) -> usize {
        (1 << self.rings.log2()) - usize::from(self.rings.pending())
    }

    /// How many jobs are in flight.
    pub(crate) fn pending(&self) -> usize {
        self.rings.pending().into()
    }

    /// The error for a caller whose jobs are refused in the present state.
    pub(crate) fn refusal(&self, now: Instant) -> Error {
        match self.supervisor.until() {
            Some(until) => {
                Error::Fenced { left: until.saturating_duration_since(now), why: self.failure.clone() }
            }
            None if self.device.interrupts.recalled() => self.recalled(),
            None => Error::Gone,
        }
    }

    fn recalled(&self) -> Error {
        Error::Recalled { device: self.device.name() }
    }

    /// Hands jobs to the card, as many as the rings take, and returns how many. The driver sets the
    /// tags. The jobs in entry 0 and in the middle entry and the last job raise an interrupt.
    ///
    /// # Errors
    /// The transport failed. All jobs in flight are lost.
    pub(crate) fn submit(&mut self, jobs: &[Descriptor], now: Instant) -> Result<usize, Error> {
        let n = jobs.len().min(self.room());
        if n == 0 {
            return Ok(0);
        }
        if self.rings.pending() == 0 {
            (self.since, self.look_at) = (now, now + self.pace());
        }
        if self.called {
            // The interrupt of these jobs is no new edge until the last one is acknowledged.
            self.look_at = now;
        }
        for (i, job) in jobs[..n].iter().enumerate() {
            let tag = self.rings.next_tag();
            let job = Descriptor { tag, ..*job };
            let loud = i + 1 == n || tag.is_multiple_of(self.rings.half());
            let job = if loud { job.with_interrupt() } else { job };
            self.rings.push(&self.device.memory.shared, &job).map_err(outside)?;
            self.log.submitted(job, now);
        }
        match self.rings.publish(|index| self.device.registers().write(DOORBELL_SUBMIT, index.into())) {
            Ok(()) => Ok(n),
            Err(error) => Err(self.fail(error, now)),
        }
    }

    /// The next news, if there is some. `heard` says that an interrupt came.
    pub(crate) fn poll(&mut self, now: Instant, heard: bool) -> Option<News> {
        self.called |= heard;
        self.deaf &= !heard;
        self.heard += u64::from(heard);
        let found = match self.supervisor.state() {
            CardState::Gone => Ok(None),
            _ if self.device.interrupts.recalled() => Err(self.recalled()),
            CardState::Ready | CardState::Aborting => self.serve(now),
            CardState::Resetting => self.await_ready(now).map(|()| None),
            CardState::Fenced if self.supervisor.until().is_none_or(|until| now >= until) => {
                Ok(self.act(Cause::PauseOver, now).map(News::Lost))
            }
            CardState::Fenced => Ok(None),
        };
        found.unwrap_or_else(|error| Some(News::Lost(self.fail(error, now))))
    }

    /// When to call [`Self::poll`] again, if no interrupt comes before. `None`: there is nothing to
    /// wait for.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        match self.supervisor.state() {
            CardState::Ready | CardState::Aborting if self.rings.pending() == 0 => None,
            CardState::Ready | CardState::Aborting => Some(self.look_at.min(self.since + self.limit())),
            CardState::Resetting => Some(self.look_at),
            CardState::Fenced => self.supervisor.until(),
            CardState::Gone => None,
        }
    }

    /// Gives up all jobs in flight, because the card made a mistake, and returns the error.
    pub(crate) fn fault(&mut self, error: Error, now: Instant) -> Error {
        self.fail(error, now)
    }

    /// Resets the card because the caller wants it, whatever the state is.
    pub(crate) fn reopen(&mut self, now: Instant) -> Option<Error> {
        self.act(Cause::Reopened, now)
    }

    /// How long the oldest job may be the oldest one in the present state.
    fn limit(&self) -> Duration {
        let aborting = self.supervisor.state() == CardState::Aborting;
        self.device.options.job_time + if aborting { Self::OBEY } else { Duration::ZERO }
    }

    /// How long to wait for an interrupt before the next look.
    const fn pace(&self) -> Duration {
        if self.deaf { Self::LOOK_DEAF } else { Self::LOOK }
    }

    fn serve(&mut self, now: Instant) -> Result<Option<News>, Error> {
        if let Some(outcome) = self.take(now)? {
            if !self.called && now >= self.look_at {
                (self.deaf, self.look_at) = (true, now + Self::LOOK_DEAF);
            }
            return Ok(Some(News::Ended(outcome)));
        }
        let pending = self.rings.pending() > 0;
        // The vector of records tells nothing new while no job is in flight. The registers are read
        // after the next doorbell, while the card works.
        let look = pending && (self.called || now >= self.look_at);
        if look || self.device.interrupts.alarmed() {
            // Cleared before the next look at the ring: a record behind that look raises an
            // interrupt again. The read comes back behind the write, which may be posted.
            let registers = self.device.registers();
            registers.write(registers::INT_STATUS, InterruptBits::COMPLETION | InterruptBits::ERROR)?;
            let status = registers.status()?;
            if fields::STATUS::HALTED.get(status) == 1 {
                return Err(Error::Halted { errors: registers.read(registers::ERROR_STATUS)? });
            }
            if fields::STATUS::READY.get(status) == 0 {
                return Err(Error::Disabled);
            }
            (self.called, self.look_at) = (false, now + self.pace());
            if let Some(outcome) = self.take(now)? {
                return Ok(Some(News::Ended(outcome)));
            }
        }
        if !pending || now < self.since + self.limit() {
            return Ok(None);
        }
        if self.supervisor.state() == CardState::Aborting {
            let tag = self.rings.oldest_tag();
            return Err(Error::Deadline { tag, limit: self.device.options.job_time });
        }
        Ok(self.act(Cause::JobLate, now).map(News::Lost))
    }

    /// Takes the next record, and gives its entry back to the card.
    fn take(&mut self, now: Instant) -> Result<Option<Outcome>, Error> {
        let tag = self.rings.oldest_tag();
        let Some((index, record)) = self.next_record()? else { return Ok(None) };
        let outcome = Outcome::decode(&record, tag).map_err(|why| Error::Record { index, why })?;
        self.rings.release(|index| self.device.registers().write(DOORBELL_COMPLETE, index.into()))?;
        self.since = now;
        self.log.ended(outcome, now);
        self.supervisor.step(Cause::JobEnded, now);
        Ok(Some(outcome))
    }

    fn next_record(&mut self) -> Result<Option<(u16, Completion)>, Error> {
        if self.rings.pending() == 0 {
            return Ok(None);
        }
        self.rings.take(&self.device.memory.shared).map_err(outside)
    }

    fn await_ready(&mut self, now: Instant) -> Result<(), Error> {
        let until = *self.ready_until.get_or_insert(now + Self::OBEY);
        let status = self.device.registers().status()?;
        if fields::STATUS::READY.get(status) == 1 {
            self.supervisor.step(Cause::ResetDone, now);
        } else if now >= until {
            let errors = self.device.registers().read(registers::ERROR_STATUS)?;
            return Err(Error::Stuck { what: "ready", limit: Self::OBEY, status, errors });
        }
        self.look_at = now + Self::LOOK_READY;
        Ok(())
    }

    /// Takes notice of a failure, acts, and returns the error.
    fn fail(&mut self, error: Error, now: Instant) -> Error {
        let cause = self.cause(&error);
        self.failure = error.to_string();
        let _ = self.act(cause, now);
        error
    }

    fn cause(&self, error: &Error) -> Cause {
        match (error, self.supervisor.state()) {
            (Error::Gone | Error::Recalled { .. } | Error::Transport { .. } | Error::Foreign { .. }, _) => {
                Cause::Vanished
            }
            (_, CardState::Resetting) => Cause::ResetFailed,
            (Error::Deadline { .. }, _) => Cause::AbortIgnored,
            _ => Cause::Fault,
        }
    }

    /// Goes to the next state and does what belongs to it. Returns the error that brought the card
    /// to a state in which it takes no jobs.
    fn act(&mut self, mut cause: Cause, now: Instant) -> Option<Error> {
        let mut last = None;
        loop {
            let action = self.supervisor.step(cause, now);
            if matches!(action, Action::Reset | Action::Fence | Action::Close) {
                self.log.lost(now);
            }
            let done = match action {
                Action::Nothing => return last,
                Action::Abort => {
                    let tag = self.rings.oldest_tag();
                    self.device.registers().write(registers::ABORT, tag.into())
                }
                Action::Reset => self.reset(),
                Action::Fence | Action::Close => {
                    self.device.silence(&mut self.rings);
                    return last;
                }
            };
            let Err(error) = done else { return None };
            cause = self.cause(&error);
            self.failure = error.to_string();
            last = Some(error);
        }
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.resets += 1;
        self.ready_until = None;
        self.device.reset()?;
        self.device.enable(&mut self.rings)
    }
}
