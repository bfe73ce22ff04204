//! The state that HTTP and the workers share.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use crate::{
    info::Info,
    queue::{Queue, Queued},
};

/// The waiting requests, and the state of the engines that will answer them.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) queue: Queue,
    /// How many engines are ready to answer.
    ready: AtomicUsize,
    /// The first engine's answer to `GET /info`. All engines give the same.
    info: OnceLock<Info>,
    /// When set, every running call ends.
    stop: Arc<AtomicBool>,
}

impl Pool {
    /// A pool without workers, in which `capacity` requests may wait.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            queue: Queue::new(capacity),
            ready: AtomicUsize::new(0),
            info: OnceLock::new(),
            stop: Arc::default(),
        }
    }

    /// Whether an engine is ready to answer at this moment.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed) > 0
    }

    /// The answer to `GET /info`, once an engine has given it.
    pub(crate) fn info(&self) -> Option<&Info> {
        self.info.get()
    }

    /// Stores the answer to `GET /info`. A later answer is dropped, because it is the same.
    pub(crate) fn set_info(&self, info: Info) {
        let _ = self.info.set(info);
    }

    /// Hands a request to the workers, or gives it back if too many requests wait.
    pub(crate) fn push(&self, request: Queued) -> Result<(), Queued> {
        self.queue.push(request)
    }

    /// Counts an engine as ready while `serve` runs.
    pub(crate) fn while_ready<T>(&self, serve: impl FnOnce() -> T) -> T {
        self.ready.fetch_add(1, Ordering::Relaxed);
        let result = serve();
        self.ready.fetch_sub(1, Ordering::Relaxed);
        result
    }

    /// Takes no more requests, and ends the calls that run.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.queue.close();
    }

    /// Whether [`Self::stop`] was called.
    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The flag that [`Self::stop`] sets, for the engines.
    pub(crate) fn stop_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }
}
