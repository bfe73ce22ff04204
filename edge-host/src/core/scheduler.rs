//! Hands texts to engines: one lock, one queue, one seat for each engine.
//!
//! Work is assigned whenever something changes: a call arrives, a worker becomes idle, an engine
//! goes away. [`Scheduler::next`] is the worker's side, [`Scheduler::submit`] the caller's.

use std::{
    ops::Add,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

use super::{
    batch::{Batch, Part},
    fair::FairQueue,
    forecast::{self, Refused},
    report::Report,
    route::{Kind, Priority, View, Work, route},
    seat::{GUESS, Seat, State},
    ticket::{Call, End, Ticket},
};
use crate::engine::interface::EngineError;

pub(crate) use super::seat::SeatPlan;

/// The texts of several calls share a batch up to so many tokens: enough to fill the kernels'
/// tiles, and so few that a short text does not wait for a long one in its own batch.
const SHARED: usize = 64;
/// The weight of calls of priority `batch`: they get a quarter of an interactive call's share.
const BATCH_WEIGHT: f64 = 4.0;

/// What a worker does next.
#[derive(Debug)]
pub(crate) enum Turn {
    /// It encodes a batch.
    Work(Batch),
    /// It has no work, and looks after its engine.
    Rest,
    /// It ends: the scheduler is closed.
    Closed,
}

/// All seats and all waiting calls.
#[derive(Debug)]
pub(crate) struct Scheduler {
    inner: Mutex<Inner>,
    /// Texts and tokens of each batch.
    sizes: [Histogram; 2],
}

#[derive(Debug)]
struct Inner {
    queue: FairQueue<Arc<Ticket>>,
    seats: Vec<Seat>,
    closed: bool,
}

impl Scheduler {
    /// A scheduler whose engines are all still away.
    pub(crate) fn new(plans: Vec<SeatPlan>) -> Self {
        let seats = plans.into_iter().map(Seat::new).collect();
        let inner = Mutex::new(Inner { queue: FairQueue::default(), seats, closed: false });
        Self { inner, sizes: [1.0, 2.0].map(|first| Histogram::new(exponential_buckets(first, 2.0, 12))) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many engines can take work.
    pub(crate) fn ready(&self) -> usize {
        self.lock().seats.iter().filter(|seat| seat.state != State::Away).count()
    }

    /// The queue and the engines at this moment.
    pub(crate) fn report(&self) -> Report {
        let [batch_texts, batch_tokens] = self.sizes.clone();
        let inner = self.lock();
        let waiting = || inner.queue.flows().filter(|flow| flow.call.is_open());
        Report {
            waiting_texts: waiting().map(|flow| flow.len()).sum(),
            waiting_tokens: waiting().map(|flow| flow.tokens()).sum(),
            batch_texts,
            batch_tokens,
            seats: inner.seats.iter().map(Seat::report).collect(),
        }
    }

    /// How many tokens one call may have to be answered within `left`: [`forecast::promise`] at the
    /// measured rate, or at a guess for each engine before one is measured.
    pub(super) fn promise(&self, left: Duration) -> usize {
        let inner = self.lock();
        let rate = inner.rate().unwrap_or_else(|| GUESS * inner.seats.len() as f64);
        forecast::promise(left, rate)
    }

    /// Adds a call, if its answer can be expected in time.
    ///
    /// # Errors
    /// The forecast of [`forecast::admit`].
    pub(crate) fn submit(&self, ticket: &Arc<Ticket>) -> Result<(), Refused> {
        let mut inner = self.lock();
        inner.tidy();
        let sizes = ticket.sizes();
        let tokens = sizes.iter().map(|&(_, tokens)| tokens).sum();
        if let Some(rate) = inner.rate() {
            let waiting: Vec<usize> = inner.queue.flows().map(|flow| flow.tokens()).collect();
            let left = ticket.deadline.saturating_duration_since(Instant::now());
            forecast::admit(tokens, left, &waiting, rate)?;
        }
        inner.queue.push(Arc::clone(ticket), weight(ticket.priority), sizes);
        inner.assign();
        // A stop may have come first. Nobody would take the call.
        if inner.closed {
            ticket.end(End::Failed(EngineError::Stopped));
        }
        Ok(())
    }

    /// Waits for work on a seat whose engine is ready, but no longer than `patience`.
    pub(crate) fn next(&self, seat: usize, patience: Duration) -> Turn {
        let until = Instant::now() + patience;
        let mut inner = self.lock();
        inner.seats[seat].state = State::Idle;
        inner.assign();
        loop {
            if let Some(batch) = inner.seats[seat].mail.take() {
                let tokens = batch.tokens;
                inner.seats[seat].state = State::Busy { since: Instant::now(), tokens };
                drop(inner);
                batch.parts.iter().for_each(|part| part.ticket.taken());
                return Turn::Work(batch);
            }
            if inner.closed {
                return Turn::Closed;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Turn::Rest;
            }
            let wake = Arc::clone(&inner.seats[seat].wake);
            inner = wake.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes the seat of an engine that failed without a batch. The batch that the seat may have
    /// got meanwhile goes to another engine.
    pub(crate) fn leave(&self, seat: usize, error: &EngineError) {
        let mut inner = self.lock();
        inner.seats[seat].state = State::Away;
        let Some(batch) = inner.seats[seat].mail.take() else { return };
        drop(inner);
        self.failed(seat, batch, error);
    }

    /// Delivers the vectors of a batch, in the order of its sequences.
    pub(crate) fn done(&self, seat: usize, batch: Batch, vectors: Vec<Vec<i32>>, took: Duration) {
        let [texts, tokens] = [batch.texts(), batch.tokens];
        for (sizes, size) in self.sizes.iter().zip([texts, tokens]) {
            sizes.observe(size as f64);
        }
        let (name, is_card) = {
            let seat = &mut self.lock().seats[seat];
            seat.measured(tokens, took);
            seat.done.batches += 1;
            seat.done.texts += texts as u64;
            seat.done.tokens += tokens as u64;
            (seat.plan.name.clone(), seat.plan.kind == Kind::Card)
        };
        let mut vectors = vectors.into_iter();
        for Part { ticket, texts } in batch.parts {
            let call = Call { engine: &name, is_card, took };
            ticket.fill(call, texts.into_iter().zip(&mut vectors));
        }
    }

    /// Takes a batch back whose engine failed. The worker of the seat has no engine now. The texts
    /// go to another engine, each in a batch of its own. A text on which CPUs fail again and again
    /// ends its call; the failure of a card never ends one.
    pub(crate) fn failed(&self, seat: usize, batch: Batch, error: &EngineError) {
        let mut inner = self.lock();
        inner.seats[seat].state = State::Away;
        inner.seats[seat].done.failures += 1;
        let card = inner.seats[seat].plan.kind == Kind::Card;
        for Part { ticket, texts } in batch.parts {
            match error {
                EngineError::Deadline if !card => ticket.end(End::Deadline),
                EngineError::Stopped => ticket.end(End::Failed(error.clone())),
                _ => {
                    let again = if card { texts } else { ticket.failed(texts, error) };
                    for text in again {
                        let size = (text, ticket.tokens(text));
                        inner.queue.put_back(Arc::clone(&ticket), weight(ticket.priority), vec![size]);
                    }
                }
            }
        }
        inner.assign();
    }

    /// Sets the longest sequence that the engine of a seat takes, if it takes less than the model.
    pub(crate) fn limit(&self, seat: usize, longest: usize) {
        let plan = &mut self.lock().seats[seat].plan;
        plan.longest = plan.longest.min(longest);
    }

    /// Takes no more calls, ends the waiting ones, and wakes all workers.
    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        for flow in inner.queue.flows() {
            flow.call.end(End::Failed(EngineError::Stopped));
        }
        inner.tidy();
        for seat in &inner.seats {
            seat.wake.notify_all();
        }
    }

    /// Drops what nobody waits for any more.
    pub(super) fn tidy(&self) {
        self.lock().tidy();
    }
}

impl Inner {
    fn tidy(&mut self) {
        self.queue.retain(|flow| flow.call.is_open());
    }

    /// Tokens a second of all engines together; `None` until one is measured. An engine that is not
    /// measured is as fast as the mean of the others of its kind.
    fn rate(&self) -> Option<f64> {
        [Kind::Cpu, Kind::Card].into_iter().filter_map(|kind| self.rate_of(kind)).reduce(f64::add)
    }

    fn rate_of(&self, kind: Kind) -> Option<f64> {
        let usable = || self.seats.iter().filter(|seat| seat.state != State::Away && seat.plan.kind == kind);
        let rates: Vec<f64> = usable().filter_map(|seat| seat.rate).collect();
        let sum: f64 = rates.iter().sum();
        (!rates.is_empty()).then(|| sum / rates.len() as f64 * usable().count() as f64)
    }

    /// Gives work to every idle engine that shall have some.
    fn assign(&mut self) {
        self.tidy();
        for seat in 0..self.seats.len() {
            if self.seats[seat].is_idle()
                && let Some(batch) = self.batch(seat)
            {
                self.seats[seat].mail = Some(batch);
                self.seats[seat].wake.notify_one();
            }
        }
    }

    /// Makes the next batch of an idle engine, from the calls by their turn.
    fn batch(&mut self, seat: usize) -> Option<Batch> {
        let now = Instant::now();
        let cpus = self.seats.iter().filter(|seat| seat.plan.kind == Kind::Cpu);
        let fastest = cpus.filter_map(|seat| seat.rate).max_by(f64::total_cmp);
        let views: Vec<View> = self.seats.iter().map(|seat| seat.view(now, fastest)).collect();
        let waiting = self.queue.flows().map(|flow| flow.tokens()).sum();
        let idle = self.seats.iter().filter(|other| other.is_idle() && other.plan.kind == Kind::Cpu).count();
        let budget = self.seats[seat].budget(waiting, idle);
        let mut batch = Batch { parts: Vec::new(), tokens: 0 };
        for place in self.queue.turns() {
            let room = if batch.parts.is_empty() { budget } else { SHARED.saturating_sub(batch.tokens) };
            let flow = self.queue.at(place);
            let sizes: Vec<usize> = flow.peek(room).collect();
            let tokens: usize = sizes.iter().sum();
            let longest = sizes.iter().copied().max().unwrap_or(0);
            if sizes.is_empty() || (tokens > room && !batch.parts.is_empty()) {
                continue;
            }
            // A big call is heavy, however small the piece of it is.
            let whole = if flow.tokens() > tokens { tokens.max(super::route::URGENT + 1) } else { tokens };
            let again = flow.is_retried();
            let work = Work { tokens: whole, longest, priority: flow.call.priority, retried: again };
            if again && !batch.parts.is_empty() || route(work, &views) != Some(seat) {
                continue;
            }
            let ticket = Arc::clone(&flow.call);
            let texts = self.queue.take(place, if again { 1 } else { sizes.len() });
            batch.tokens += texts.iter().map(|&text| ticket.tokens(text)).sum::<usize>();
            batch.parts.push(Part { ticket, texts });
            if again || batch.tokens >= SHARED {
                break;
            }
        }
        self.queue.drop_empty();
        (!batch.parts.is_empty()).then_some(batch)
    }
}

const fn weight(priority: Priority) -> f64 {
    match priority {
        Priority::Interactive => 1.0,
        Priority::Batch => BATCH_WEIGHT,
    }
}

#[cfg(test)]
mod tests;
