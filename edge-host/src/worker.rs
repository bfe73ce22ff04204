//! A worker: a thread that encodes batches with an engine of its own.
//!
//! The worker makes an engine and serves with it. When a call goes wrong, the worker drops the
//! engine, whose state is then undefined, and makes a new one.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::{Duration, Instant},
};

use crate::{
    core::{
        front::message,
        route::Kind,
        scheduler::{Scheduler, SeatPlan, Turn},
    },
    engine::interface::{ENGINE_STACK, Engine, EngineError, Engines},
    error::HostError,
    log,
    pool::Pool,
};

/// Bytes of a worker's stack: an engine's call, and the calls of the host and of the compiler.
pub(crate) const STACK: usize = ENGINE_STACK + (2 << 20);

/// First pause after a failed attempt to make an engine. Each further failure doubles the pause.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often a worker without work looks after its card: the system may want the card back.
const REST: Duration = Duration::from_millis(250);
/// The same for a CPU's engine, which needs no care.
const FOREVER: Duration = Duration::from_secs(86_400);
/// How often a pausing worker looks whether the daemon is shutting down.
const LOOK: Duration = Duration::from_millis(5);

/// One worker.
pub(crate) struct Worker<'a> {
    pub(crate) pool: &'a Pool,
    pub(crate) scheduler: &'a Scheduler,
    pub(crate) engines: &'a dyn Engines,
    /// The worker's number in the scheduler.
    pub(crate) seat: usize,
    pub(crate) plan: &'a SeatPlan,
    /// Integers of one vector.
    pub(crate) outputs: usize,
    /// How long a call may take.
    pub(crate) limit: Duration,
}

impl Worker<'_> {
    /// Works until the pool is stopped. `first` is called with the kernel's name of each CPU's
    /// engine before the engine takes work.
    ///
    /// # Errors
    ///
    /// The first engine of a CPU cannot be made. A later failure is no error: a model that opened
    /// once will open again, so the worker waits and tries again. So it does for a card, which may
    /// be away for a while.
    pub(crate) fn work(&self, first: impl Fn(&str)) -> Result<(), HostError> {
        let name = &self.plan.name;
        let mut served = self.plan.kind == Kind::Card;
        let mut pause = PAUSE;
        while !self.pool.stopped() {
            match self.open(&first) {
                Ok(mut engine) => {
                    served = true;
                    let Some((error, encoded)) = self.serve(&mut *engine) else { return Ok(()) };
                    // A broken engine may also panic when it is dropped.
                    let dropped = caught(|| {
                        drop(engine);
                        Ok(())
                    });
                    if let Err(error) = dropped {
                        log::line(format_args!("{name}: {error}, when it was closed"));
                    }
                    match error {
                        EngineError::Stopped => {}
                        error => log::line(format_args!("{name}: {error}; opening it again")),
                    }
                    // An engine that fails at once would be opened again and again.
                    if encoded > 0 {
                        pause = PAUSE;
                    } else if self.plan.kind == Kind::Card {
                        self.wait(pause);
                        pause = (pause * 2).min(LONGEST_PAUSE);
                    }
                }
                Err(EngineError::Stopped) => {}
                Err(error @ EngineError::Wrong(_)) => {
                    log::line(format_args!("{error}"));
                    return Ok(());
                }
                Err(error) if !served => return Err(HostError::Open(error.to_string())),
                Err(error) => {
                    log::line(format_args!("{name} does not open: {error}; trying again in {pause:?}"));
                    self.wait(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
        Ok(())
    }

    fn open(&self, first: impl Fn(&str)) -> Result<Box<dyn Engine>, EngineError> {
        let mut engine = caught(|| self.engines.open())?;
        if self.plan.kind == Kind::Cpu {
            first(&caught(|| engine.kernel())?);
        }
        self.scheduler.limit(self.seat, engine.longest());
        Ok(engine)
    }

    /// Serves until a call goes wrong, or until the scheduler is closed (`None`). Gives the error
    /// and the number of batches before it.
    fn serve(&self, engine: &mut dyn Engine) -> Option<(EngineError, u64)> {
        let patience = if self.plan.kind == Kind::Card { REST } else { FOREVER };
        let mut encoded = 0;
        loop {
            let batch = match self.scheduler.next(self.seat, patience) {
                Turn::Work(batch) => batch,
                Turn::Rest => match caught(|| engine.look()) {
                    Ok(()) => continue,
                    Err(error) => {
                        self.scheduler.leave(self.seat, &error);
                        return Some((error, encoded));
                    }
                },
                Turn::Closed => return None,
            };
            if !batch.is_wanted() {
                continue;
            }
            let started = Instant::now();
            let sequences = batch.sequences();
            let vectors = caught(|| engine.encode(&sequences, started + self.limit));
            let vectors = vectors.and_then(|vectors| self.checked(vectors, sequences.len()));
            drop(sequences);
            match vectors {
                Ok(vectors) => self.scheduler.done(self.seat, batch, vectors, started.elapsed()),
                Err(error) => {
                    self.scheduler.failed(self.seat, batch, &error);
                    return Some((error, encoded));
                }
            }
            encoded += 1;
        }
    }

    /// Checks the shape of an engine's result.
    fn checked(&self, vectors: Vec<Vec<i32>>, expected: usize) -> Result<Vec<Vec<i32>>, EngineError> {
        if vectors.len() != expected {
            let text = format!("{} vectors for {expected} sequences", vectors.len());
            return Err(EngineError::Interface(text));
        }
        match vectors.iter().find(|vector| vector.len() != self.outputs) {
            Some(vector) => Err(EngineError::Interface(format!(
                "a vector of {} integers instead of {}",
                vector.len(),
                self.outputs
            ))),
            None => Ok(vectors),
        }
    }

    /// Sleeps, but not past a stop.
    fn wait(&self, pause: Duration) {
        let until = Instant::now() + pause;
        while !self.pool.stopped() && Instant::now() < until {
            thread::sleep(LOOK);
        }
    }
}

/// Makes a panic of an engine an error.
fn caught<T>(call: impl FnOnce() -> Result<T, EngineError>) -> Result<T, EngineError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(EngineError::Panic(message(&*panic))))
}

#[cfg(test)]
mod tests;
