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

    /// Adds the time that making tokens took.
    pub(super) fn tokenized(&self, began: Instant, ended: Instant) {
        let mut own = self.lock();
        own.timing.add(Timing { tokenized: ended - began, ..Timing::default() });
        if self.traced && own.stages.len() < STAGES {
            own.stages.push(Stage::new("tokenize", began, ended));
        }
    }

    /// Adds the times of the call that waited for vectors until now.
    pub(super) fn ended(&self, call: &Ticket) {
        let mut own = self.lock();
        own.waiting = Weak::new();
        own.timing.add(call.timing());
        if self.traced {
            own.stages.extend(call.stages());
            own.stages.truncate(STAGES);
        }
    }

    /// The stages so far, those of a call that still waits included. None if the request is not
    /// traced.
    pub(crate) fn stages(&self) -> Vec<Stage> {
        let own = self.lock();
        let waiting = own.waiting.upgrade().filter(|_| self.traced).map(|call| call.stages());
        own.stages.iter().cloned().chain(waiting.into_iter().flatten()).take(STAGES).collect()
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
