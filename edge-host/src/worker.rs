//! A worker: a thread that answers requests with an engine of its own.
//!
//! The worker makes an engine and serves with it. When a call goes wrong, the worker drops the
//! engine, whose state is then undefined, and makes a new one.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    config::Config,
    engine::interface::{ENGINE_STACK, Engine, EngineError, Engines},
    error::HostError,
    info::Info,
    log,
    pool::Pool,
    queue::Outcome,
};

/// Bytes of a worker's stack: an engine's call, and the calls of the host and of the compiler.
pub(crate) const STACK: usize = ENGINE_STACK + (2 << 20);

/// First pause after a failed attempt to make an engine. Each further failure doubles the pause.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often a pausing worker looks whether the daemon is shutting down.
const LOOK: Duration = Duration::from_millis(5);

/// One worker.
pub(crate) struct Worker<'a> {
    pub(crate) pool: &'a Pool,
    pub(crate) engines: &'a dyn Engines,
    pub(crate) config: &'a Config,
}

impl Worker<'_> {
    /// Works until the pool is stopped.
    ///
    /// # Errors
    ///
    /// The first engine cannot be made. A later failure is no error: a model that opened once will
    /// open again, so the worker waits and tries again.
    pub(crate) fn work(&self) -> Result<(), HostError> {
        let mut served = false;
        let mut pause = PAUSE;
        while !self.pool.stopped() {
            match self.open() {
                Ok(mut engine) => {
                    served = true;
                    pause = PAUSE;
                    match self.pool.while_ready(|| self.serve(&mut *engine)) {
                        None => return Ok(()),
                        Some(EngineError::Stopped) => {}
                        Some(error) => log::line(format_args!("{error}; building a new instance")),
                    }
                }
                Err(EngineError::Stopped) => {}
                Err(error) if !served => return Err(HostError::Open(error.to_string())),
                Err(error) => {
                    log::line(format_args!("no new instance: {error}; trying again"));
                    self.wait(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
        Ok(())
    }

    /// Makes an engine, and asks the first one for `GET /info`.
    fn open(&self) -> Result<Box<dyn Engine>, EngineError> {
        let deadline = Instant::now() + self.config.open_deadline;
        let mut engine = self.engines.open()?;
        if self.pool.info().is_none() {
            let answer = engine.handle("GET", "/info", &[], deadline)?;
            if answer.status != 200 {
                let text = format!("it answers {} to GET /info", answer.status);
                return Err(EngineError::Interface(text));
            }
            self.pool.set_info(Info::new(answer.body));
        }
        Ok(engine)
    }

    /// Serves until a call goes wrong, or until the queue is closed and empty (`None`).
    ///
    /// A call may take as long as [`Config::deadline`], however long its request waited before. If
    /// calls ended at their clients' deadlines, an overloaded daemon would lose its engines to
    /// requests that had little time left, and spend its time on making new ones.
    fn serve(&self, engine: &mut dyn Engine) -> Option<EngineError> {
        while let Some(request) = self.pool.queue.pop() {
            let taken = Instant::now();
            if taken >= request.deadline {
                // The HTTP side has seen the deadline too, and answers.
                continue;
            }
            let deadline = taken + self.config.deadline;
            let answer = engine.handle(&request.method, &request.path, &request.body, deadline);
            let error = answer.as_ref().err().cloned();
            let outcome = Outcome { answer, taken, done: Instant::now() };
            // This fails if the client has left; then nobody needs the answer.
            let _ = request.reply.send(outcome);
            if error.is_some() {
                return error;
            }
        }
        None
    }

    /// Sleeps, but not past a stop.
    fn wait(&self, pause: Duration) {
        let until = Instant::now() + pause;
        while !self.pool.stopped() && Instant::now() < until {
            thread::sleep(LOOK);
        }
    }
}
