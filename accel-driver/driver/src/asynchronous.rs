//! Encodes sequences on a card, for many callers on tokio.

use std::sync::Arc;

use lockstep_accel_abi::events::Event;
use lockstep_accel_program::Image;
use lockstep_arith::encoder::{Encoder, Sequence};

use crate::batch::{ModelFacts, Request};
use crate::encoder::facts;
use crate::host_layers::HostLayers;
use crate::pipeline::Pipeline;
use crate::supervisor::Observer;
use crate::worker::{self, CardStatus, Handle, Link, Order};
use crate::{Capabilities, Card, Error, Options, Transport};

/// A model on a card, for many callers at once. Their batches are in flight together; the card
/// works on one while the inputs of the next ones are written.
///
/// A thread of its own drives the card, so no call blocks a runtime's thread. All futures are
/// cancel-safe: when the future of a batch is dropped, the batch is forgotten, and its memory is
/// free as soon as the card has ended the jobs that it works on.
#[derive(Debug)]
pub struct AsyncEncoder {
    facts: ModelFacts,
    layers: Option<Arc<HostLayers>>,
    capabilities: Capabilities,
    /// The name of the card, for errors.
    device: String,
    /// Takes the model out in the end.
    _model: Handle,
    owner: Arc<Owner>,
}

/// Ends the thread when the last encoder of the card is dropped.
#[derive(Debug)]
struct Owner(Arc<Link>);

impl Drop for Owner {
    fn drop(&mut self) {
        // An error means that the thread has ended already.
        let _ = self.0.send(Order::Stop(None));
    }
}

impl AsyncEncoder {
    /// Opens a card with a model. The first [`Self::encode`] copies the model to the card.
    ///
    /// This function blocks while the card is reset: call it before a runtime is busy, or by
    /// `spawn_blocking`.
    ///
    /// # Errors
    /// As [`Card::open`] and [`crate::CardEncoder::new`], or the system has no thread left.
    pub fn open<T: Transport + 'static>(
        transport: T,
        options: Options,
        model: &Encoder,
    ) -> Result<Self, Error> {
        Self::start(Card::open(transport, options)?, model)
    }

    /// As [`Self::open`], with an observer of the card's state. The card's thread calls the
    /// observer.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_observed<T: Transport + 'static>(
        transport: T,
        options: Options,
        model: &Encoder,
        observer: impl Observer + 'static,
    ) -> Result<Self, Error> {
        let mut card = Card::open(transport, options)?;
        card.observe(observer);
        Self::start(card, model)
    }

    fn start<T: Transport + 'static>(card: Card<T>, model: &Encoder) -> Result<Self, Error> {
        let capabilities = *card.capabilities();
        let device = card.queue.device.name();
        let mut pipeline = Pipeline::new(card);
        let id = pipeline.add(image(model, &capabilities, &device)?)?;
        let link = worker::start(pipeline)?;
        let facts = ModelFacts { id, ..facts(model, &capabilities) };
        let owner = Arc::new(Owner(link.clone()));
        let layers = HostLayers::of(model);
        Ok(Self { facts, layers, capabilities, device, _model: Handle::new(id, link), owner })
    }

    fn link(&self) -> &Link {
        &self.owner.0
    }

    /// Adds a model beside the others and returns its encoder. Batches of the other models go on
    /// meanwhile. To swap a model, add the new one and drop the encoder of the old one.
    ///
    /// This function lays the weights out on the caller's thread, which takes some milliseconds for
    /// each megabyte.
    ///
    /// # Errors
    /// The engine does not take the model's shape, or card memory is too small for all models.
    pub async fn add(&self, model: &Encoder) -> Result<Self, Error> {
        let image = Box::new(image(model, &self.capabilities, &self.device)?);
        let facts = facts(model, &self.capabilities);
        let handle = self.link().ask(self.link().room().await?, |caller| Order::Add(image, caller)).await?;
        let facts = ModelFacts { id: handle.id, ..facts };
        let (capabilities, device) = (self.capabilities, self.device.clone());
        let layers = HostLayers::of(model);
        Ok(Self { facts, layers, capabilities, device, _model: handle, owner: self.owner.clone() })
    }

    /// Encodes a ragged batch: for each sequence its token ids and the type of each token. Vector
    /// `i` of the result belongs to sequence `i`; its integers are those of [`Encoder::forward`].
    /// The thread that polls the future computes the dense layers or the head of a model.
    ///
    /// Waits while the card has [`Options::batches`] batches. A job that failed because of the card
    /// is tried again, as [`crate::CardEncoder::encode_by`] does.
    ///
    /// # Errors
    /// The model does not take a sequence, a job failed, or the card failed. [`Error::Fenced`] and
    /// [`Error::Gone`] come at once: the caller can encode elsewhere.
    pub async fn encode(&self, batch: Vec<(Vec<u32>, Vec<u8>)>) -> Result<Vec<Vec<i32>>, Error> {
        let link = self.link();
        let number = link.number();
        let sequences: Vec<Sequence<'_>> =
            batch.iter().map(|(ids, type_ids)| Sequence { ids, type_ids }).collect();
        let request = Request::new(number, self.facts, &sequences)?;
        let room = link.batch_room().await?;
        let mut guard = Guard { link, number: Some(number) };
        let result = link.ask(room, |caller| Order::Encode(number, request, caller)).await;
        guard.number = None;
        HostLayers::finish(self.layers.as_deref(), result?)
    }

    /// The size and the limits of the card.
    #[must_use]
    pub const fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// What the card is doing: its state and the counts of the driver.
    #[must_use]
    pub fn status(&self) -> CardStatus {
        self.link().status()
    }

    /// The state of the card.
    #[must_use]
    pub fn state(&self) -> crate::CardState {
        self.status().state
    }

    /// Reads one of the card's counters.
    ///
    /// # Errors
    /// The transport failed, or the card's counter is faulty.
    pub async fn counter(&self, event: Event) -> Result<u64, Error> {
        let room = self.link().room().await?;
        self.link().ask(room, |caller| Order::Counter(event, caller)).await
    }

    /// Resets the card, also if it is fenced or gone. Batches in flight are run again. A device
    /// process that ended needs a new connection: close the encoder and open another one.
    ///
    /// # Errors
    /// The card does not become ready.
    pub async fn reset(&self) -> Result<(), Error> {
        self.link().ask(self.link().room().await?, Order::Reset).await
    }

    /// Closes the card, and waits until it is reset and its memory unmapped. Batches of other
    /// encoders of the card end with [`Error::Ended`].
    pub async fn close(self) {
        let (stopped, closed) = tokio::sync::oneshot::channel();
        if self.link().send(Order::Stop(Some(stopped))).is_ok() {
            // An error means that the thread ended in another way.
            let _ = closed.await;
        }
    }
}

fn image(model: &Encoder, capabilities: &Capabilities, device: &str) -> Result<Image, Error> {
    Image::new(model, &capabilities.engine).map_err(|source| Error::Program { device: device.into(), source })
}

/// Cancels a batch when its caller goes before the answer.
struct Guard<'a> {
    link: &'a Link,
    number: Option<u64>,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let _ = self.link.send(Order::Cancel(number));
        }
    }
}
