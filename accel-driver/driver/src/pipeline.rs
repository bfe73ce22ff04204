//! Batches on a card, many in flight. No function waits; see `queue.rs`.
//!
//! While the card works, inputs of further jobs are written: each job has a span of the memory for
//! data of its own. A job that the card lost is tried again, as often as the policy allows.

use std::collections::VecDeque;
use std::time::Instant;

use lockstep_accel_program::Image;

use crate::batch::{Request, Run};
use crate::batches::{Batches, Finished};
use crate::card_memory::{CardMemory, Placed, Want};
use crate::counts::JobCounts;
use crate::model_id::ModelId;
use crate::queue::News;
use crate::recovery::CardState;
use crate::spans::{Span, Spans};
use crate::uploads::{Piece, Uploads};
use crate::{Card, Error, Outcome, Transport, jobs};

/// What a job in flight does.
#[derive(Debug)]
pub(crate) enum Task {
    Copy(Piece),
    Encode(Run),
}

/// What became of the try to start a job.
enum Next {
    /// It is the last one of `flights`.
    Job(lockstep_accel_abi::Descriptor),
    /// Nothing was started; another try may start something.
    Again,
    /// Nothing can start now.
    Nothing,
}

/// Batches on a card.
#[derive(Debug)]
pub(crate) struct Pipeline<T: Transport> {
    pub(crate) card: Card<T>,
    pub(crate) memory: CardMemory,
    /// The memory for data.
    pub(crate) spans: Spans,
    /// The jobs in the rings, the oldest first.
    pub(crate) flights: VecDeque<(Task, Span)>,
    /// How many of these are copies.
    pub(crate) copies: usize,
    pub(crate) uploads: Uploads,
    /// Runs that are not in the rings.
    pub(crate) backlog: VecDeque<Run>,
    pub(crate) batches: Batches,
    pub(crate) counts: JobCounts,
}

impl<T: Transport> Pipeline<T> {
    /// How many runs of the backlog are looked at, when the first ones wait for their programs.
    const AHEAD: usize = 32;
    /// How many copies are in flight: one is prepared while another one runs, and half of the
    /// memory for data is left to other jobs.
    const COPIES: usize = 2;

    pub(crate) fn new(card: Card<T>) -> Self {
        let capabilities = card.capabilities();
        let tries = card.queue.device.options.recovery.job_tries.max(1);
        Self {
            memory: CardMemory::new(card.queue.device.name(), capabilities, tries),
            spans: Spans::new(card.data_bytes()),
            flights: VecDeque::new(),
            copies: 0,
            uploads: Uploads::default(),
            backlog: VecDeque::new(),
            batches: Batches::default(),
            counts: JobCounts::default(),
            card,
        }
    }

    pub(crate) const fn card(&self) -> &Card<T> {
        &self.card
    }

    pub(crate) fn into_card(self) -> Card<T> {
        self.card
    }

    pub(crate) fn add(&mut self, image: Image) -> Result<ModelId, Error> {
        self.memory.add(image)
    }

    pub(crate) fn retire(&mut self, model: ModelId) {
        self.memory.retire(model);
    }

    /// Takes a batch with a number that no other batch has.
    pub(crate) fn submit(&mut self, number: u64, request: Request) {
        if self.backlog.is_empty() {
            self.memory.forgive();
        }
        self.batches.start(number, request.sequences);
        self.backlog.extend(request.runs);
    }

    /// Forgets a batch. Jobs of the batch that are in flight end as usual, and their room is free
    /// then.
    pub(crate) fn cancel(&mut self, number: u64) {
        self.batches.cancel(number);
        self.backlog.retain(|run| run.batch != number);
    }

    /// The next batch that ended.
    pub(crate) fn take(&mut self) -> Option<Finished> {
        self.batches.take()
    }

    /// Resets the card because the caller wants it. Jobs in flight are tried again.
    pub(crate) fn reopen(&mut self, now: Instant) -> Result<(), Error> {
        let failed = self.card.queue.reopen(now);
        self.requeue();
        failed.map_or(Ok(()), Err)
    }

    /// Waits until the card takes jobs.
    pub(crate) fn settle(&mut self) -> Result<(), Error> {
        self.card.settle()
    }

    /// Takes the news of the card, and hands it more jobs. `heard` says that an interrupt came.
    pub(crate) fn poll(&mut self, now: Instant, mut heard: bool) {
        while let Some(news) = self.card.queue.poll(now, std::mem::take(&mut heard)) {
            match news {
                News::Ended(outcome) => self.ended(&outcome, now),
                News::Lost(error) => self.lost(error, now),
            }
        }
        match self.card.state() {
            CardState::Ready => self.fill(now),
            CardState::Fenced | CardState::Gone => self.refuse(None, now),
            CardState::Aborting | CardState::Resetting => {}
        }
    }

    /// Hands the card as many jobs as there is room for.
    fn fill(&mut self, now: Instant) {
        let (mut commands, mut at) = (Vec::new(), 0);
        while commands.len() < self.card.queue.room() {
            let copy = self.copies < Self::COPIES && self.uploads.first().is_some();
            match if copy { self.next_copy() } else { self.next_run(&mut at) } {
                Next::Job(command) => commands.push(command),
                Next::Again => {}
                Next::Nothing => break,
            }
        }
        if let Err(error) = self.card.queue.submit(&commands, now) {
            self.lost(error, now);
        }
    }

    /// Starts to copy the next piece.
    fn next_copy(&mut self) -> Next {
        let Some(piece) = self.uploads.first() else { return Next::Nothing };
        let Some(span) = self.spans.take(piece.bytes as u64) else { return Next::Nothing };
        self.uploads.advance();
        match jobs::copy(&self.card.queue.device.memory, &self.memory, &piece, span.at) {
            Some(Ok(command)) => {
                self.flights.push_back((Task::Copy(piece), span));
                self.copies += 1;
                Next::Job(command)
            }
            failed => {
                self.spans.give(span);
                if let Some(Err(error)) = failed {
                    self.copy_failed(&piece, error);
                }
                Next::Again
            }
        }
    }

    /// Starts the next run that can start, from run `at` of the backlog on.
    fn next_run(&mut self, at: &mut usize) -> Next {
        if *at >= self.backlog.len().min(Self::AHEAD) {
            return Next::Nothing;
        }
        let Run { batch, model, tokens, .. } = self.backlog[*at];
        match self.memory.want(model.id, tokens) {
            Ok(Want::Ready(program)) => return self.start(*at, program),
            Ok(Want::Upload(part)) => {
                let bytes = self.memory.contents(part).map_or(0, |(bytes, _)| bytes.len());
                self.uploads.start(part, bytes, jobs::largest_piece(self.spans.size()));
            }
            Ok(Want::Coming) => *at += 1,
            Ok(Want::Full) => return Next::Nothing,
            Err(error) => self.fail(batch, error),
        }
        Next::Again
    }

    /// Starts run `at` of the backlog, or as many of its sequences as there is room for.
    fn start(&mut self, at: usize, program: Placed) -> Next {
        let run = &mut self.backlog[at];
        let one = 4 * (run.tokens + run.model.hidden) as u64;
        // Two jobs fit, so that one is prepared while the other one runs.
        let fits = (self.spans.size() / 2 / one).max(1) as usize;
        let n = run.members.len().min(fits).min(self.card.capabilities().runs.max(1));
        let Some(span) = self.spans.take(n as u64 * one) else {
            if !self.flights.is_empty() {
                return Next::Nothing;
            }
            let (batch, allowed) = (run.batch, format!("{one} bytes of data for {} tokens", run.tokens));
            let (what, value) = ("memory", self.card.data_bytes());
            self.fail(batch, Error::Option { what, value, allowed });
            return Next::Again;
        };
        let Some(run) = run.split(n).or_else(|| self.backlog.remove(at)) else { return Next::Nothing };
        match jobs::encode(&self.card.queue.device.memory, self.card.capabilities(), &run, program, span.at) {
            Ok(command) => {
                self.memory.hold(run.model.id, run.tokens);
                self.flights.push_back((Task::Encode(run), span));
                Next::Job(command)
            }
            Err(error) => {
                self.spans.give(span);
                self.fail(run.batch, error);
                Next::Again
            }
        }
    }

    /// The oldest job ended.
    fn ended(&mut self, outcome: &Outcome, now: Instant) {
        let Some((task, span)) = self.flights.pop_front() else { return };
        let memory = &self.card.queue.device.memory;
        match task {
            Task::Copy(piece) => {
                self.copies -= 1;
                let checked = jobs::check(memory, &self.memory, &piece, outcome, span.at);
                self.spans.give(span);
                self.copy_ended(piece, checked);
            }
            Task::Encode(run) => {
                let vectors = jobs::vectors(memory, &run, outcome, span.at);
                self.spans.give(span);
                self.memory.release(run.model.id, run.tokens);
                match vectors {
                    Ok(words) => self.encoded(&run, &words),
                    Err(error) => self.run_failed(run, error, now),
                }
            }
        }
    }

    fn copy_ended(&mut self, piece: Piece, checked: Result<(), Error>) {
        match checked {
            _ if !self.uploads.knows(&piece) => {}
            Err(error) => self.copy_failed(&piece, error),
            Ok(()) if !piece.back => self.uploads.copied(piece),
            Ok(()) => {
                if self.uploads.compared(&piece) {
                    self.memory.arrived(piece.part);
                }
            }
        }
    }

    fn copy_failed(&mut self, piece: &Piece, error: Error) {
        self.uploads.give_up(piece);
        self.memory.failed(piece.part, error);
    }

    fn encoded(&mut self, run: &Run, words: &[i32]) {
        self.counts.succeeded += 1;
        self.memory.succeeded(run.model.id);
        self.card.queue.supervisor.succeeded();
        self.batches.fill(run, words);
    }
}
