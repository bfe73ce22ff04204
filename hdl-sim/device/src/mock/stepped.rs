//! A mock card without a thread of its own.

use std::sync::Arc;

use lockstep_vfio_user::Bus;

use super::MockSetup;
use super::registers::{Facts, Order};
use super::shared::Shared;
use super::worker::Worker;

/// A mock card that works when its owner says so, on the owner's thread: for tests that must see
/// each step, and for fuzzing.
///
/// A program that can never end keeps [`Self::work`] until the card's watchdog aborts it. The
/// owner must set the register `WATCHDOG` before it runs programs of strangers.
#[derive(Debug)]
pub struct SteppedMock {
    shared: Arc<Shared>,
    worker: Worker,
    bus: Arc<Bus>,
}

impl SteppedMock {
    /// A card after power-up. It uses DMA and raises interrupts over the bus.
    #[must_use]
    pub fn new(setup: &MockSetup, bus: Arc<Bus>) -> Self {
        let facts = Facts { lanes: setup.lanes, card_bytes: setup.card_bytes as u64 };
        let shared = Arc::new(Shared::new(facts));
        let worker = Worker::new(facts, setup.faults.clone(), shared.clone(), bus.clone());
        Self { shared, worker, bus }
    }

    /// Reads the register at an offset that is a multiple of four.
    #[must_use]
    pub fn read(&self, register: u32) -> u32 {
        self.shared.look(|state| state.registers.read(register))
    }

    /// Writes the register at an offset that is a multiple of four.
    pub fn write(&mut self, register: u32, value: u32) {
        self.shared.look(|state| {
            if let Order::Abort(tag) = state.registers.write(register, value) {
                state.abort(tag);
            }
            state.registers.interrupts(&self.bus);
        });
    }

    /// Takes descriptors until none is left, or the card halts or needs room for records.
    pub fn work(&mut self) {
        self.worker.step();
    }

    /// Makes the card as after power-up; card memory is zero.
    pub fn power_cycle(&mut self) {
        self.shared.look(|state| state.power_cycle = true);
        self.worker.step();
    }
}
