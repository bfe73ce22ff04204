//! Encodes sequences on a card, for a thread that waits for the vectors.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lockstep_accel_program::Image;
use lockstep_arith::encoder::{Encoder, Sequence};

use crate::batch::{ModelFacts, Request};
use crate::counts::JobCounts;
use crate::host_layers::HostLayers;
use crate::model_id::ModelId;
use crate::pipeline::Pipeline;
use crate::recovery::CardState;
use crate::{Capabilities, Card, Error, Transport};

/// Models on a card. The encoder owns the card: no other code can use the card's memory meanwhile,
/// and a batch cannot go to another card.
///
/// ```compile_fail,E0382
/// # use lockstep_accel_driver::{Card, CardEncoder, Error, Transport};
/// # use lockstep_arith::encoder::Encoder;
/// fn two_models<T: Transport>(card: Card<T>, a: &Encoder, b: &Encoder) -> Result<(), Error> {
///     let first = CardEncoder::new(card, a)?;
///     let second = CardEncoder::new(card, b)?; // The card belongs to `first`.
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct CardEncoder<T: Transport> {
    pipeline: Pipeline<T>,
    models: Vec<(ModelFacts, Option<Arc<HostLayers>>)>,
    batches: u64,
}

impl<T: Transport> CardEncoder<T> {
    /// Lays a model out for a card. The first [`Self::encode`] copies the model to the card.
    ///
    /// # Errors
    /// The engine does not take the model's shape, or card memory is too small. The card is then
    /// closed.
    pub fn new(card: Card<T>, model: &Encoder) -> Result<Self, Error> {
        let mut encoder = Self { pipeline: Pipeline::new(card), models: Vec::new(), batches: 0 };
        encoder.add(model)?;
        Ok(encoder)
    }

    /// The card, for its capabilities and counters.
    #[must_use]
    pub const fn card(&self) -> &Card<T> {
        self.pipeline.card()
    }

    /// How the jobs ended since the encoder was made.
    #[must_use]
    pub const fn jobs(&self) -> JobCounts {
        self.pipeline.counts
    }

    /// Gives the card back, for another model.
    #[must_use]
    pub fn into_card(self) -> Card<T> {
        self.pipeline.into_card()
    }

    /// Adds a model beside the others. Its first batch copies it to the card.
    ///
    /// # Errors
    /// The engine does not take the model's shape, or card memory is too small for all models.
    pub fn add(&mut self, model: &Encoder) -> Result<ModelId, Error> {
        let capabilities = self.card().capabilities();
        let image = Image::new(model, &capabilities.engine);
        let image =
            image.map_err(|source| Error::Program { device: self.card().queue.device.name(), source })?;
        let facts = facts(model, capabilities);
        let id = self.pipeline.add(image)?;
        self.models.push((ModelFacts { id, ..facts }, HostLayers::of(model)));
        Ok(id)
    }

    /// Takes a model out, so that its card memory is free for others.
    pub fn remove(&mut self, model: ModelId) {
        self.models.retain(|(facts, _)| facts.id != model);
        self.pipeline.retire(model);
    }

    /// The models, in the order in which they were added.
    pub fn models(&self) -> impl Iterator<Item = ModelId> {
        self.models.iter().map(|(facts, _)| facts.id)
    }

    /// Resets the card. The next [`Self::encode`] copies its model again.
    ///
    /// # Errors
    /// The card does not become ready.
    pub fn reset(&mut self) -> Result<(), Error> {
        self.pipeline.reopen(Instant::now())?;
        self.pipeline.settle()
    }

    /// Looks after a card without work: takes its interrupts, and hears whether the system wants
    /// the card back. Does not wait. A program that keeps a card open calls this now and then.
    ///
    /// # Errors
    /// [`Error::Recalled`] or [`Error::Gone`]: the caller drops the encoder, and with it the card.
    pub fn look(&mut self) -> Result<(), Error> {
        let heard = self.card().queue.device.interrupts.wait(Duration::ZERO)?;
        self.pipeline.poll(Instant::now(), heard);
        match self.card().state() {
            CardState::Gone => Err(self.card().queue.refusal(Instant::now())),
            _ => Ok(()),
        }
    }

    /// Encodes a ragged batch with the first model. See [`Self::encode_by`].
    ///
    /// # Errors
    /// As [`Self::encode_by`].
    pub fn encode(&mut self, batch: &[Sequence<'_>]) -> Result<Vec<Vec<i32>>, Error> {
        match self.models.first() {
            Some((facts, _)) => self.encode_by(facts.id, batch),
            None => Err(Error::NoModels),
        }
    }

    /// Encodes a ragged batch. Vector `i` of the result belongs to sequence `i`; its integers are
    /// those of [`Encoder::forward`]. Sequences of equal length share one job. The card encodes,
    /// and this thread computes the dense layers or the head of a model that has some.
    ///
    /// The encoder tries a job again that failed because of the card, as often as
    /// [`crate::RecoveryPolicy::job_tries`] allows; it resets the card if need be.
    ///
    /// # Errors
    /// The model does not take a sequence, a job failed, or the card failed. [`Card::state`] tells
    /// whether the card takes jobs.
    pub fn encode_by(&mut self, model: ModelId, batch: &[Sequence<'_>]) -> Result<Vec<Vec<i32>>, Error> {
        let known = self.models.iter().find(|(facts, _)| facts.id == model);
        let (facts, layers) = known.ok_or(Error::NoModel { model })?;
        let (number, layers) = (self.batches, layers.clone());
        let request = Request::new(number, *facts, batch)?;
        self.batches += 1;
        self.pipeline.submit(number, request);
        let mut heard = false;
        loop {
            self.pipeline.poll(Instant::now(), heard);
            while let Some((finished, result)) = self.pipeline.take() {
                if finished == number {
                    return HostLayers::finish(layers.as_deref(), result?);
                }
            }
            heard = match self.card().wait() {
                Ok(heard) => heard,
                Err(error) => {
                    self.pipeline.cancel(number);
                    return Err(error);
                }
            };
        }
    }
}

/// What a caller must know about a model. The id is set when the model is added.
pub(crate) fn facts(model: &Encoder, capabilities: &Capabilities) -> ModelFacts {
    let mut limits = model.input_limits();
    limits.positions = limits.positions.min(capabilities.tokens);
    let rows = (!model.dense.is_empty()).then_some(model.pooling);
    ModelFacts { id: ModelId::default(), hidden: model.hidden(), limits, rows }
}
