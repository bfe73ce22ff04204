//! The state that HTTP and the workers share.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    core::{front::Front, report::Report, scheduler::Scheduler},
    info::Info,
    kept_packs::KeptPacks,
};

/// The engines' scheduler, and what answers requests once an engine is ready.
pub(crate) struct Pool {
    scheduler: OnceLock<Arc<Scheduler>>,
    served: OnceLock<Served>,
    /// A permit for each request that may be under way.
    permits: Arc<Semaphore>,
    /// The number of all permits.
    requests: usize,
    /// When set, every running call ends.
    stop: Arc<AtomicBool>,
    /// Requests that this pool shall answer.
    uses: AtomicUsize,
    /// Whether all items have their vectors of this pool's model.
    filled: AtomicBool,
}

/// Stops a pool when it is dropped, unless it shall be kept.
pub(crate) struct StopOnDrop(Option<Arc<Pool>>);

/// What answers requests.
pub(crate) struct Served {
    pub(crate) front: Front,
    /// The headers of all answers.
    pub(crate) info: Info,
    /// The items as vector packs, if the daemon keeps some.
    pub(crate) packs: Option<KeptPacks>,
}

impl Pool {
    /// A pool without engines, for up to `requests` requests at the same time.
    pub(crate) fn new(requests: usize) -> Self {
        let requests = requests.min(Semaphore::MAX_PERMITS);
        let permits = Arc::new(Semaphore::new(requests));
        Self {
            scheduler: OnceLock::new(),
            served: OnceLock::new(),
            permits,
            requests,
            stop: Arc::default(),
            uses: AtomicUsize::new(0),
            filled: AtomicBool::new(false),
        }
    }

    /// Sets the scheduler. Only the first one is kept.
    pub(crate) fn set_scheduler(&self, scheduler: Arc<Scheduler>) {
        let _ = self.scheduler.set(scheduler);
        // A stop that came before found no scheduler to close.
        if self.stopped() {
            self.stop();
        }
    }

    /// Sets what answers requests. Only the first is kept; all engines would make the same.
    pub(crate) fn serve(&self, served: impl FnOnce() -> Served) {
        self.served.get_or_init(served);
    }

    /// Whether an engine can take work at this moment.
    pub(crate) fn is_ready(&self) -> bool {
        self.served.get().is_some() && self.scheduler.get().is_some_and(|scheduler| scheduler.ready() > 0)
    }

    /// What answers requests, once the first engine was ready.
    pub(crate) fn served(&self) -> Option<&Served> {
        self.served.get()
    }

    /// The queue and the engines at this moment, once they are known.
    pub(crate) fn report(&self) -> Option<Report> {
        self.scheduler.get().map(|scheduler| scheduler.report())
    }

    /// A permit for one request, unless too many are under way.
    pub(crate) fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.permits).try_acquire_owned().ok()
    }

    /// The requests that have a permit at this moment.
    pub(crate) fn under_way(&self) -> usize {
        self.requests - self.permits.available_permits()
    }

    /// The digest of the model; empty before the first engine is ready.
    pub(crate) fn model_digest(&self) -> String {
        self.served().map(|served| served.info.model_digest()).unwrap_or_default()
    }

    /// Begins a request; [`Self::end_use`] ends it.
    pub(crate) fn begin_use(&self) {
        self.uses.fetch_add(1, Ordering::SeqCst);
    }

    /// Ends a request.
    pub(crate) fn end_use(&self) {
        self.uses.fetch_sub(1, Ordering::SeqCst);
    }

    /// Whether this pool shall answer a request that has begun.
    pub(crate) fn is_in_use(&self) -> bool {
        self.uses.load(Ordering::SeqCst) > 0
    }

    /// Says that all items have their vectors.
    pub(crate) fn set_filled(&self) {
        self.filled.store(true, Ordering::SeqCst);
    }

    /// Whether all items have had their vectors, or there are no items.
    pub(crate) fn is_filled(&self) -> bool {
        self.filled.load(Ordering::SeqCst)
    }

    /// Takes no more work, and ends the calls that run.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(scheduler) = self.scheduler.get() {
            scheduler.close();
        }
    }

    /// Whether [`Self::stop`] was called.
    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// The flag that [`Self::stop`] sets, for the engines.
    pub(crate) fn stop_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }
}

impl StopOnDrop {
    pub(crate) fn new(pool: &Arc<Pool>) -> Self {
        Self(Some(Arc::clone(pool)))
    }

    /// Lets the pool go on.
    pub(crate) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        if let Some(pool) = &self.0 {
            pool.stop();
        }
    }
}
