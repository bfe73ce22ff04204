//! The texts of one call, and the wait for their vectors.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use lockstep_module::{Encoding, Sequence};

use super::{
    route::Priority,
    timing::{Share, Stage, Timing},
};
use crate::engine::interface::EngineError;

/// How often a text may make a CPU's engine fail. After the first time the text is encoded alone,
/// so that it spoils no other text.
pub(super) const TRIES: u8 = 2;
/// Batches of a call that are kept for a trace.
const BATCHES: usize = 64;

/// One call of [`super::encoder::QueuedEncoder`].
#[derive(Debug)]
pub(crate) struct Ticket {
    texts: Vec<Encoding>,
    pub(super) deadline: Instant,
    pub(super) priority: Priority,
    made: Instant,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    vectors: Vec<Vec<i32>>,
    /// How often each text failed.
    failures: Vec<u8>,
    /// Texts without a vector.
    left: usize,
    end: Option<End>,
    first_taken: Option<Instant>,
    last_done: Option<Instant>,
    engines: Vec<String>,
    /// The first batches.
    batches: Vec<Stage>,
}

/// An engine's call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) engine: &'a str,
    pub(super) is_card: bool,
    pub(super) took: Duration,
}

/// The reasons why a call has no vectors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// The deadline has passed.
    Deadline,
    /// Nobody waits any more.
    Abandoned,
    /// An engine failed.
    Failed(EngineError),
}

impl Ticket {
    pub(crate) fn new(texts: Vec<Encoding>, deadline: Instant, priority: Priority) -> Self {
        let state = State {
            vectors: vec![Vec::new(); texts.len()],
            failures: vec![0; texts.len()],
            left: texts.len(),
            end: None,
            first_taken: None,
            last_done: None,
            engines: Vec::new(),
            batches: Vec::new(),
        };
        let (state, changed) = (Mutex::new(state), Condvar::new());
        Self { texts, deadline, priority, made: Instant::now(), state, changed }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Index and tokens of each text, the longest first: texts of a similar length share a batch.
    pub(super) fn sizes(&self) -> Vec<(usize, usize)> {
        let mut sizes: Vec<_> = self.texts.iter().map(|text| text.ids.len()).enumerate().collect();
        sizes.sort_by_key(|&(_, tokens)| std::cmp::Reverse(tokens));
        sizes
    }

    /// Text `index`, as a model takes it.
    pub(super) fn sequence(&self, index: usize) -> Sequence<'_> {
        Sequence { ids: &self.texts[index].ids, type_ids: &self.texts[index].type_ids }
    }

    /// Tokens of text `index`.
    pub(super) fn tokens(&self, index: usize) -> usize {
        self.texts[index].ids.len()
    }

    /// Whether the call still needs vectors.
    pub(super) fn is_open(&self) -> bool {
        let state = self.lock();
        state.left > 0 && state.end.is_none()
    }

    /// Notes that an engine took texts of the call.
    pub(super) fn taken(&self) {
        self.lock().first_taken.get_or_insert_with(Instant::now);
    }

    /// Takes the vectors of some texts over.
    pub(super) fn fill(&self, call: Call<'_>, vectors: impl Iterator<Item = (usize, Vec<i32>)>) {
        let (Call { engine, is_card, took }, now) = (call, Instant::now());
        let mut state = self.lock();
        let (mut texts, mut tokens) = (0, 0);
        for (index, vector) in vectors {
            (texts, tokens) = (texts + 1, tokens + self.tokens(index));
            if state.vectors[index].is_empty() && !vector.is_empty() {
                state.vectors[index] = vector;
                state.left -= 1;
            }
        }
        state.last_done = Some(now);
        if state.batches.len() < BATCHES {
            let batch = Some(Share { engine: engine.to_owned(), is_card, texts, tokens });
            let began = now.checked_sub(took).unwrap_or(now);
            state.batches.push(Stage { name: "batch", began, ended: now, batch });
        }
        if !state.engines.iter().any(|name| name == engine) {
            state.engines.push(engine.to_owned());
        }
        if state.left == 0 {
            self.changed.notify_all();
        }
    }

    /// Notes that an engine failed on some texts. Gives those that shall be tried again; after too
    /// many failures of a text the call ends.
    pub(super) fn failed(&self, texts: Vec<usize>, error: &EngineError) -> Vec<usize> {
        let mut state = self.lock();
        for &text in &texts {
            state.failures[text] += 1;
            if state.failures[text] >= TRIES {
                state.end.get_or_insert(End::Failed(error.clone()));
            }
        }
        if state.end.is_some() {
            self.changed.notify_all();
            return Vec::new();
        }
        texts
    }

    /// Ends the call with an error.
    pub(super) fn end(&self, end: End) {
        self.lock().end.get_or_insert(end);
        self.changed.notify_all();
    }

    /// Ends the call because nobody waits for it.
    pub(super) fn abandon(&self) {
        self.end(End::Abandoned);
    }

    /// Waits for all vectors, until the deadline.
    pub(crate) fn wait(&self) -> Result<Vec<Vec<i32>>, End> {
        let mut state = self.lock();
        loop {
            if let Some(end) = &state.end {
                return Err(end.clone());
            }
            if state.left == 0 {
                return Ok(std::mem::take(&mut state.vectors));
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.end = Some(End::Deadline);
                return Err(End::Deadline);
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The wait for the first engine, and the batches.
    pub(super) fn stages(&self) -> Vec<Stage> {
        let state = self.lock();
        let ended = state.first_taken.unwrap_or_else(Instant::now);
        std::iter::once(Stage::new("queue", self.made, ended)).chain(state.batches.iter().cloned()).collect()
    }

    /// The times of the call so far.
    pub(super) fn timing(&self) -> Timing {
        let state = self.lock();
        let now = Instant::now();
        let taken = state.first_taken.unwrap_or(now);
        Timing {
            tokenized: Duration::ZERO,
            queued: taken.saturating_duration_since(self.made),
            ran: state.last_done.unwrap_or(now).saturating_duration_since(taken),
            engines: state.engines.clone(),
        }
    }
}
