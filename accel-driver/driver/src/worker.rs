//! The thread that drives a card for many callers, and their link to it.
//!
//! A thread and not a task: calls of the transport block, 15 us for a register of a device process
//! and 100 ms and more for a reset, and would stop the other tasks of a runtime's thread. The
//! thread sleeps in one `poll` for the interrupts, for its callers and for the next deadline.

use std::collections::{HashMap, VecDeque};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lockstep_accel_abi::events::Event;
use lockstep_accel_program::Image;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::batch::Request;
use crate::batches::Vectors;
use crate::counts::JobCounts;
use crate::model_id::ModelId;
use crate::pipeline::Pipeline;
use crate::recovery::CardState;
use crate::supervisor::Transitions;
use crate::{Error, Transport};

/// What a card is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardStatus {
    /// The state.
    pub state: CardState,
    /// How often the card went from one state to another.
    pub transitions: Transitions,
    /// How often the driver reset the card.
    pub resets: u64,
    /// How many waits an interrupt ended.
    pub interrupts: u64,
    /// How the jobs ended.
    pub jobs: JobCounts,
}

/// A caller that waits for an answer. While it is there, its order takes room in the queue.
#[derive(Debug)]
pub(crate) struct Caller<T> {
    answer: oneshot::Sender<Result<T, Error>>,
    _permit: OwnedSemaphorePermit,
}

impl<T> Caller<T> {
    fn answer(self, result: Result<T, Error>) {
        // A caller that is gone does not want its answer.
        let _ = self.answer.send(result);
    }
}

/// What a caller wants.
#[derive(Debug)]
pub(crate) enum Order {
    /// A batch takes room until it has ended or is cancelled.
    Encode(u64, Request, Caller<Vectors>),
    /// The caller of a batch is gone.
    Cancel(u64),
    Add(Box<Image>, Caller<Handle>),
    Retire(ModelId),
    Counter(Event, Caller<u64>),
    Reset(Caller<()>),
    /// The thread ends. The answer comes when the card is reset and its memory unmapped.
    Stop(Option<oneshot::Sender<()>>),
}

/// A model on the card. The drop takes the model out.
#[derive(Debug)]
pub(crate) struct Handle {
    pub(crate) id: ModelId,
    link: Arc<Link>,
}

impl Handle {
    pub(crate) const fn new(id: ModelId, link: Arc<Link>) -> Self {
        Self { id, link }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // An error means that the thread has ended already.
        let _ = self.link.send(Order::Retire(self.id));
    }
}

/// The callers' link to the thread.
#[derive(Debug)]
pub(crate) struct Link {
    /// `None` as soon as the thread has ended. The queue is bounded: each order with a caller has a
    /// permit, each model is taken out once, and each batch is cancelled once.
    orders: Mutex<Option<VecDeque<Order>>>,
    waker: OwnedFd,
    status: Mutex<CardStatus>,
    numbers: AtomicU64,
    /// Room for batches.
    batches: Arc<Semaphore>,
    /// Room for other orders with a caller.
    others: Arc<Semaphore>,
}

impl Link {
    /// A number that no other batch has.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn status(&self) -> CardStatus {
        *lock(&self.status)
    }

    /// Gives the thread an order.
    ///
    /// # Errors
    /// The thread has ended.
    pub(crate) fn send(&self, order: Order) -> Result<(), Error> {
        let mut orders = lock(&self.orders);
        let queue = orders.as_mut().ok_or(Error::Ended)?;
        queue.push_back(order);
        // The thread takes all orders at once, so the first one wakes it for all.
        if queue.len() == 1 {
            // Cannot fail: the counter is far below its limit.
            let _ = rustix::io::write(&self.waker, &1_u64.to_ne_bytes());
        }
        Ok(())
    }

    /// Waits for room for a batch.
    ///
    /// # Errors
    /// The thread has ended.
    pub(crate) async fn batch_room(&self) -> Result<OwnedSemaphorePermit, Error> {
        self.batches.clone().acquire_owned().await.map_err(|_| Error::Ended)
    }

    /// Waits for room for another order.
    ///
    /// # Errors
    /// The thread has ended.
    pub(crate) async fn room(&self) -> Result<OwnedSemaphorePermit, Error> {
        self.others.clone().acquire_owned().await.map_err(|_| Error::Ended)
    }

    /// Gives an order for which there is room, and waits for its answer.
    ///
    /// # Errors
    /// The order failed, or the thread has ended.
    pub(crate) async fn ask<T>(
        &self,
        room: OwnedSemaphorePermit,
        order: impl FnOnce(Caller<T>) -> Order,
    ) -> Result<T, Error> {
        let (answer, result) = oneshot::channel();
        self.send(order(Caller { answer, _permit: room }))?;
        result.await.unwrap_or(Err(Error::Ended))
    }

    fn take(&self) -> VecDeque<Order> {
        lock(&self.orders).as_mut().map(std::mem::take).unwrap_or_default()
    }
}

/// A lock whose holder panicked guards plain data, which is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The state of the thread.
struct Worker<T: Transport> {
    pipeline: Pipeline<T>,
    link: Arc<Link>,
    callers: HashMap<u64, Caller<Vectors>>,
    /// Callers that wait for the end of a reset.
    resets: Vec<Caller<()>>,
}

/// How many orders other than batches wait at once.
const OTHERS: usize = 16;

/// Starts a thread for a card.
///
/// # Errors
/// The system has no thread or no file descriptor left.
pub(crate) fn start<T: Transport + 'static>(pipeline: Pipeline<T>) -> Result<Arc<Link>, Error> {
    let queue = &pipeline.card().queue;
    let link = Arc::new(Link {
        orders: Mutex::new(Some(VecDeque::new())),
        waker: queue.device.interrupts.waker()?,
        status: Mutex::new(status(&pipeline)),
        numbers: AtomicU64::new(0),
        batches: Arc::new(Semaphore::new(queue.device.options.batches.clamp(1, Semaphore::MAX_PERMITS))),
        others: Arc::new(Semaphore::new(OTHERS)),
    });
    let worker = Worker { pipeline, link: link.clone(), callers: HashMap::new(), resets: Vec::new() };
    std::thread::Builder::new()
        .name("lockstep-card".into())
        .spawn(move || {
            let stopped = worker.run();
            // The card is closed now.
            if let Some(stopped) = stopped {
                let _ = stopped.send(());
            }
        })
        .map_err(|source| Error::System { what: "a thread for the card", source })?;
    Ok(link)
}

impl<T: Transport> Worker<T> {
    /// How often the thread looks at the card, if the system refuses to wait for interrupts.
    const LOOK: Duration = Duration::from_millis(1);

    /// Drives the card until an order stops the thread, or until the system recalls the card.
    fn run(mut self) -> Option<oneshot::Sender<()>> {
        let mut heard = false;
        loop {
            for order in self.link.take() {
                if let Order::Stop(stopped) = order {
                    return stopped;
                }
                self.obey(order);
            }
            self.pipeline.poll(Instant::now(), heard);
            // Before the answers: a caller that is refused may ask for the state next.
            self.report();
            while let Some((number, result)) = self.pipeline.take() {
                if let Some(caller) = self.callers.remove(&number) {
                    caller.answer(result);
                }
            }
            if self.pipeline.card().recalled() {
                // The system waits until the card is closed.
                return None;
            }
            heard = self.pipeline.card().wait().unwrap_or_else(|_| {
                std::thread::sleep(Self::LOOK);
                true
            });
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Encode(number, request, caller) => {
                self.callers.insert(number, caller);
                self.pipeline.submit(number, request);
            }
            Order::Cancel(number) => {
                self.callers.remove(&number);
                self.pipeline.cancel(number);
            }
            Order::Add(image, caller) => {
                let added = self.pipeline.add(*image);
                // If the caller is gone, the drop of the handle takes the model out.
                caller.answer(added.map(|id| Handle::new(id, self.link.clone())));
            }
            Order::Retire(model) => self.pipeline.retire(model),
            Order::Counter(event, caller) => caller.answer(self.pipeline.card().counter(event)),
            Order::Reset(caller) => match self.pipeline.reopen(Instant::now()) {
                Ok(()) => self.resets.push(caller),
                Err(error) => caller.answer(Err(error)),
            },
            Order::Stop(_) => {}
        }
    }

    /// Tells the callers the state of the card.
    fn report(&mut self) {
        let status = status(&self.pipeline);
        *lock(&self.link.status) = status;
        if status.state == CardState::Resetting {
            return;
        }
        for caller in self.resets.drain(..) {
            let refused = matches!(status.state, CardState::Fenced | CardState::Gone);
            let refusal = || self.pipeline.card().queue.refusal(Instant::now());
            caller.answer(if refused { Err(refusal()) } else { Ok(()) });
        }
    }
}

/// Lets no caller wait for a thread that has ended, in whatever way.
impl<T: Transport> Drop for Worker<T> {
    fn drop(&mut self) {
        self.link.batches.close();
        self.link.others.close();
        *lock(&self.link.orders) = None;
    }
}

fn status<T: Transport>(pipeline: &Pipeline<T>) -> CardStatus {
    let card = pipeline.card();
    CardStatus {
        state: card.state(),
        transitions: *card.transitions(),
        resets: card.resets(),
        interrupts: card.interrupts(),
        jobs: pipeline.counts,
    }
}
