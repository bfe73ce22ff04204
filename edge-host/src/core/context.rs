//! One request, as the HTTP side and the core share it.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use lockstep_rank::Problem;

use super::{
    route::Priority,
    ticket::Ticket,
    timing::{Stage, Timing},
};

/// Stages that a request's trace has at most.
const STAGES: usize = 128;

/// One request.
#[derive(Debug)]
pub(crate) struct Context {
    /// When the client gets a 504; a later answer is of no use.
    pub(crate) deadline: Instant,
    /// The time from the request to its deadline.
    pub(crate) limit: Duration,
    pub(crate) priority: Priority,
    /// Whether the stages are kept.
    traced: bool,
    cancelled: AtomicBool,
    shared: Mutex<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    timing: Timing,
    stages: Vec<Stage>,
    problem: Option<Problem>,
    /// The call that waits for vectors at this moment.
    waiting: Weak<Ticket>,
}

impl Context {
    /// A request that must be answered within `limit` from `begin` on.
    pub(crate) fn new(begin: Instant, limit: Duration, priority: Priority) -> Self {
        let (cancelled, shared) = (AtomicBool::new(false), Mutex::default());
        Self { deadline: begin + limit, limit, priority, traced: false, cancelled, shared }
    }

    /// The same request, which keeps its stages if it is `traced`.
    pub(crate) fn traced(self, traced: bool) -> Self {
        Self { traced, ..self }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the request, because nobody waits for its answer. Work that no engine has begun is
    /// dropped.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        if let Some(ticket) = self.lock().waiting.upgrade() {
            ticket.abandon();
        }
    }

    /// Whether nobody waits for the answer any more.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Says which call waits for vectors.
    pub(super) fn waits_for(&self, ticket: Weak<Ticket>) {
        self.lock().waiting = ticket;
    }

    /// Adds the times of a call.
    pub(super) fn add(&self, timing: Timing) {
        let own = &mut self.lock().timing;
        own.tokenized += timing.tokenized;
        own.queued += timing.queued;
        own.ran += timing.ran;
        for engine in timing.engines {
            if !own.engines.contains(&engine) {
                own.engines.push(engine);
            }
        }
    }

    /// Keeps stages, if the request is traced and has not too many.
    pub(super) fn note(&self, stages: impl IntoIterator<Item = Stage>) {
        if self.traced {
            let own = &mut self.lock().stages;
            own.extend(stages.into_iter().take(STAGES.saturating_sub(own.len())));
        }
    }

    /// The stages so far.
    pub(crate) fn stages(&self) -> Vec<Stage> {
        self.lock().stages.clone()
    }

    /// The times of all calls so far.
    pub(crate) fn timing(&self) -> Timing {
        self.lock().timing.clone()
    }

    /// Keeps the reason why the core gave no vectors. The first reason stays.
    pub(super) fn fail(&self, problem: Problem) {
        self.lock().problem.get_or_insert(problem);
    }

    /// The reason why the core gave no vectors.
    pub(crate) fn problem(&self) -> Option<Problem> {
        self.lock().problem.clone()
    }
}
