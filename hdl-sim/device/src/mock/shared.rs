//! What the socket's thread and the card's thread share.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lockstep_accel_abi::ErrorBits;
use lockstep_vfio_user::Bus;

use super::registers::{Facts, Registers};

/// The registers, the job at work, and what is asked of the card's thread.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) registers: Registers,
    pub(crate) running: Option<Running>,
    /// The card has fallen off the bus. Only a power cycle brings it back.
    pub(crate) gone: bool,
    /// The card shall be as after power-up.
    pub(crate) power_cycle: bool,
    /// The thread shall end.
    pub(crate) quit: bool,
}

/// The job at work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Running {
    tag: u16,
    /// When the watchdog began to count.
    since: Instant,
    pub(crate) aborted: bool,
    /// The watchdog aborted the job.
    pub(crate) late: bool,
}

impl State {
    /// Begins a job.
    pub(crate) fn begin(&mut self, tag: u16) {
        self.running = Some(Running { tag, since: Instant::now(), aborted: false, late: false });
        self.registers.jobs = 1;
    }

    /// Aborts the job at work if it has this tag.
    pub(crate) fn abort(&mut self, tag: u16) {
        if let Some(running) = self.running.as_mut().filter(|running| running.tag == tag) {
            running.aborted = true;
        }
    }

    /// Whether all jobs are dropped without a record.
    pub(crate) fn drops(&self) -> bool {
        self.quit || self.gone || self.power_cycle || self.registers.resetting() || self.registers.halted()
    }

    /// Lets the watchdog look at the job at work. Returns whether the job shall end.
    pub(crate) fn stops(&mut self, bus: &Bus) -> bool {
        let period = Duration::from_nanos(self.registers.watchdog.into());
        if let Some(running) = &mut self.running
            && !period.is_zero()
            && running.since.elapsed() >= period
        {
            let stuck = running.late;
            (running.aborted, running.late, running.since) = (true, true, Instant::now());
            self.registers.set_errors(if stuck { ErrorBits::ENGINE_STUCK } else { ErrorBits::WATCHDOG });
            self.registers.interrupts(bus);
        }
        self.drops() || self.running.is_some_and(|running| running.aborted)
    }

    /// When the watchdog must look again; `None` if it is off.
    pub(crate) fn expires(&self) -> Option<Instant> {
        let period = Duration::from_nanos(self.registers.watchdog.into());
        self.running.filter(|_| !period.is_zero()).map(|running| running.since + period)
    }
}

/// How long a thread looks for a change before it sleeps: to wake it takes longer than most jobs.
const AWAKE: Duration = Duration::from_micros(200);

/// The state behind a lock, with a signal for each change.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    pub(crate) fn new(facts: Facts) -> Self {
        let registers = Registers::new(facts);
        let state = State { registers, running: None, gone: false, power_cycle: false, quit: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the state, or changes it in a way that nobody waits for.
    pub(crate) fn look<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        with(&mut self.lock())
    }

    /// Changes the state and wakes the other thread.
    pub(crate) fn change<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        let result = with(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// Waits until `ready`, at most `limit`. Returns whether it is.
    pub(crate) fn wait(&self, limit: Duration, ready: impl Fn(&State) -> bool) -> bool {
        let wait = self.changed.wait_timeout_while(self.lock(), limit, |state| !ready(state));
        !wait.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Waits for a change, until `until` at the latest, unless `ready` gives something at once.
    /// Returns what `ready` gave.
    pub(crate) fn wait_for<T>(
        &self,
        mut ready: impl FnMut(&mut State) -> Option<T>,
        until: impl Fn(&State) -> Option<Instant>,
    ) -> T {
        let begin = Instant::now();
        let mut state = self.lock();
        loop {
            if let Some(found) = ready(&mut state) {
                return found;
            }
            if begin.elapsed() < AWAKE {
                drop(state);
                std::thread::yield_now();
                state = self.lock();
                continue;
            }
            state = match until(&state) {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(end) => {
                    let left = end.saturating_duration_since(Instant::now());
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}
