//! An encoder for a caller that has a clock and waits of its own: a simulation, a fuzz target.

use std::sync::Arc;
use std::time::Instant;

use lockstep_accel_program::Image;
use lockstep_arith::encoder::{Encoder, Sequence};

use crate::batch::{ModelFacts, Request};
use crate::batches::Finished;
use crate::encoder::facts;
use crate::host_layers::HostLayers;
use crate::pipeline::Pipeline;
use crate::queue::Queue;
use crate::{Card, Error, Options, Transport};

/// A model on a card, one step at a time. No function waits or reads the clock: the caller calls
/// [`Self::poll`] when the card raised an interrupt, and at the time that [`Self::wake_at`] tells.
#[derive(Debug)]
pub struct SteppedEncoder<T: Transport> {
    pipeline: Pipeline<T>,
    facts: ModelFacts,
    layers: Option<Arc<HostLayers>>,
    batches: u64,
}

impl<T: Transport> SteppedEncoder<T> {
    /// Resets the card behind a transport, checks it, enables its queue, and lays a model out for
    /// it. The card becomes ready in a later [`Self::poll`].
    ///
    /// # Errors
    /// As [`Card::open`] and [`crate::CardEncoder::new`].
    pub fn open(transport: T, options: Options, model: &Encoder) -> Result<Self, Error> {
        let card = Card { queue: Queue::open(transport, options)? };
        let capabilities = *card.capabilities();
        let device = card.queue.device.name();
        let image = Image::new(model, &capabilities.engine);
        let image = image.map_err(|source| Error::Program { device, source })?;
        let mut pipeline = Pipeline::new(card);
        let id = pipeline.add(image)?;
        let facts = ModelFacts { id, ..facts(model, &capabilities) };
        Ok(Self { pipeline, facts, layers: HostLayers::of(model), batches: 0 })
    }

    /// The card, for its state and counters.
    #[must_use]
    pub const fn card(&self) -> &Card<T> {
        self.pipeline.card()
    }

    /// Takes a batch and returns its number. The result comes from [`Self::take`].
    ///
    /// # Errors
    /// The model does not take a sequence.
    pub fn submit(&mut self, batch: &[Sequence<'_>]) -> Result<u64, Error> {
        let number = self.batches;
        let request = Request::new(number, self.facts, batch)?;
        self.batches += 1;
        self.pipeline.submit(number, request);
        Ok(number)
    }

    /// Forgets a batch: it has no result.
    pub fn cancel(&mut self, number: u64) {
        self.pipeline.cancel(number);
    }

    /// Takes the news of the card, and hands it more jobs. `now` never goes back; `heard` says that
    /// an interrupt came.
    pub fn poll(&mut self, now: Instant, heard: bool) {
        self.pipeline.poll(now, heard);
    }

    /// When to call [`Self::poll`] again, if no interrupt comes before. `None`: there is nothing to
    /// wait for.
    #[must_use]
    pub fn wake_at(&self) -> Option<Instant> {
        self.pipeline.card().queue.wake_at()
    }

    /// The next batch that ended: its number, and a vector for each sequence.
    pub fn take(&mut self) -> Option<Finished> {
        let (number, vectors) = self.pipeline.take()?;
        let finish = |vectors| HostLayers::finish(self.layers.as_deref(), vectors);
        Some((number, vectors.and_then(finish)))
    }

    /// Resets the card, also if it is fenced or gone. Jobs in flight are tried again.
    ///
    /// # Errors
    /// The card cannot be reset.
    pub fn reopen(&mut self, now: Instant) -> Result<(), Error> {
        self.pipeline.reopen(now)
    }
}
