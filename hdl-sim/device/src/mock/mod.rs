//! The card without its RTL: the same registers, rings, interrupts, aborts and resets, with the
//! functional model of the engine. It answers in microseconds.
//!
//! The socket's thread reads and writes registers. A thread of the card's own takes the
//! descriptors, one job after the other, so that no register access waits for a job. One clock
//! cycle is a nanosecond of the host's clock.

mod job;
mod memories;
mod registers;
mod rings;
mod shared;
mod stepped;
mod verdict;
mod worker;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use lockstep_accel_abi::ALL_ONES;
use lockstep_vfio_user::Bus;

use crate::Error;
use crate::answers::{Answers, Gone};
use crate::faults::Faults;
use registers::{Facts, Order};
use shared::Shared;
use worker::Worker;

pub use stepped::SteppedMock;

/// What the mock is: the size of its array and of its memory, and its faults.
#[derive(Clone, Debug)]
pub struct MockSetup {
    /// Rows and columns of the array: 8, 16, 32 or 64.
    pub lanes: usize,
    /// Bytes of card memory.
    pub card_bytes: usize,
    /// What goes wrong.
    pub faults: Faults,
}

impl MockSetup {
    /// A card with an array of `lanes` by `lanes`, in which nothing goes wrong.
    #[must_use]
    pub fn new(lanes: usize, card_bytes: usize) -> Self {
        Self { lanes, card_bytes, faults: Faults::default() }
    }
}

/// A handle to a mock card.
#[derive(Debug)]
pub(crate) struct Mock {
    shared: Arc<Shared>,
    bus: Arc<Bus>,
    thread: Option<JoinHandle<()>>,
}

impl Mock {
    /// Longest wait for a reset. The job under way looks at it once a tile or piece of a copy.
    const RESET: Duration = Duration::from_secs(4);

    /// Starts the thread of a card after power-up.
    pub(crate) fn start(setup: &MockSetup, bus: Arc<Bus>) -> Self {
        let facts = Facts { lanes: setup.lanes, card_bytes: setup.card_bytes as u64 };
        let shared = Arc::new(Shared::new(facts));
        let mut worker = Worker::new(facts, setup.faults.clone(), shared.clone(), bus.clone());
        let thread = std::thread::spawn(move || worker.run());
        Self { shared, bus, thread: Some(thread) }
    }

    fn end(&mut self) -> Option<std::thread::Result<()>> {
        self.shared.change(|state| state.quit = true);
        self.thread.take().map(JoinHandle::join)
    }
}

impl Answers for Mock {
    fn read(&self, register: u32) -> Result<u32, Gone> {
        Ok(self.shared.look(|state| if state.gone { ALL_ONES } else { state.registers.read(register) }))
    }

    fn write(&self, register: u32, value: u32) -> Result<(), Gone> {
        self.shared.change(|state| {
            if state.gone {
                return;
            }
            if let Order::Abort(tag) = state.registers.write(register, value) {
                state.abort(tag);
            }
            state.registers.interrupts(&self.bus);
        });
        Ok(())
    }

    fn reset(&self) -> Result<(), Gone> {
        self.shared.change(|state| state.power_cycle = true);
        self.shared.wait(Self::RESET, |state| !state.power_cycle).then_some(()).ok_or(Gone)
    }

    fn stop(mut self: Box<Self>) -> Result<(), Error> {
        match self.end() {
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            _ => Ok(()),
        }
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.end();
    }
}
