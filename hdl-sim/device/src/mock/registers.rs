//! The registers of the mock: what the driver writes, the errors, the interrupts. REGISTERS.md says
//! what each register means.

use std::time::Instant;

use lockstep_accel_abi::codes::{INTERFACE_VERSION, InterruptBits, RING_ALIGN, RING_LOG2, VECTORS};
use lockstep_accel_abi::engine::{
    HIDDEN_MAX, MEMORY_A, MEMORY_B, MEMORY_P, MEMORY_V, MEMORY_Y, Memory, PROGRAM_VERSION, TOKENS_MAX,
    WEIGHT_RING,
};
use lockstep_accel_abi::events::{self, Event};
use lockstep_accel_abi::registers::{self as map, fields};
use lockstep_accel_abi::{ErrorBits, Port, codes};
use lockstep_vfio_user::Bus;

use super::rings::Rings;

/// The card's size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) lanes: usize,
    pub(crate) card_bytes: u64,
}

/// What a write asks of the job at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Nothing,
    Abort(u16),
}

/// The registers and what lies behind them.
#[derive(Debug)]
pub(crate) struct Registers {
    facts: Facts,
    power_up: Instant,
    scratch: u32,
    enabled: bool,
    locked: bool,
    halted: bool,
    resetting: bool,
    pub(crate) rings: Rings,
    errors: u32,
    error_info: u32,
    error_address: u64,
    pub(crate) watchdog: u32,
    abort_tag: u16,
    int_status: u32,
    int_enable: u32,
    /// The levels of the vectors that have been passed on.
    levels: u32,
    /// Jobs at work.
    pub(crate) jobs: u32,
    counters: [u64; events::COUNT],
}

const BUS_ERRORS: u32 =
    ErrorBits::HOST_READ | ErrorBits::HOST_WRITE | ErrorBits::CARD_READ | ErrorBits::CARD_WRITE;

impl Registers {
    /// The response of a bus at an address without memory.
    const NO_MEMORY: u32 = 3;
    /// One cycle is a nanosecond.
    const CLOCK_KHZ: u32 = 1_000_000;

    /// After power-up.
    pub(crate) fn new(facts: Facts) -> Self {
        Self {
            facts,
            power_up: Instant::now(),
            scratch: 0,
            enabled: false,
            locked: false,
            halted: false,
            resetting: false,
            rings: Rings::default(),
            errors: 0,
            error_info: 0,
            error_address: 0,
            watchdog: 0,
            abort_tag: 0,
            int_status: 0,
            int_enable: 0,
            levels: 0,
            jobs: 0,
            counters: [0; events::COUNT],
        }
    }

    /// The end of a soft reset: everything but SCRATCH and the counters.
    pub(crate) fn finish_reset(&mut self) {
        let Self { facts, power_up, scratch, counters, .. } = *self;
        *self = Self { power_up, scratch, counters, ..Self::new(facts) };
    }

    pub(crate) const fn resetting(&self) -> bool {
        self.resetting
    }

    pub(crate) const fn halted(&self) -> bool {
        self.halted
    }

    pub(crate) fn read(&self, offset: u32) -> u32 {
        let units = |low: Memory, high: Memory| {
            let words = |memory: Memory| (memory.words(self.facts.lanes) / 64) as u32;
            words(low) | words(high) << 16
        };
        let lanes = self.facts.lanes as u32;
        match offset {
            map::ID => codes::ID_VALUE,
            map::VERSION => INTERFACE_VERSION,
            map::SCRATCH => self.scratch,
            map::CAP_ARRAY | map::CAP_PORTS => lanes | lanes << 16,
            map::CAP_LIMITS => TOKENS_MAX as u32 | (HIDDEN_MAX as u32) << 16,
            map::CAP_VECTORS => units(MEMORY_V, MEMORY_Y),
            map::CAP_BUFFERS => units(MEMORY_P, WEIGHT_RING),
            map::CAP_OPERANDS => units(MEMORY_A, MEMORY_B),
            map::CAP_CARD_BYTES_LO => self.facts.card_bytes as u32,
            map::CAP_CARD_BYTES_HI => (self.facts.card_bytes >> 32) as u32,
            map::CAP_QUEUE => RING_LOG2.1 | 1 << 8 | VECTORS << 16,
            map::CAP_PROGRAM => PROGRAM_VERSION | 0xffff << 16,
            map::CAP_CLOCK_KHZ => Self::CLOCK_KHZ,
            map::CAP_COUNTERS => events::COUNT as u32,
            map::CONTROL => u32::from(self.enabled) | u32::from(self.resetting) << 1,
            map::STATUS => self.status(),
            map::ERROR_STATUS => self.errors,
            map::ERROR_INFO => self.error_info,
            map::ERROR_ADDRESS_LO => self.error_address as u32,
            map::ERROR_ADDRESS_HI => (self.error_address >> 32) as u32,
            map::WATCHDOG => self.watchdog,
            map::ABORT => self.abort_tag.into(),
            map::INT_STATUS => self.int_status,
            map::INT_ENABLE => self.int_enable,
            map::SUBMIT_BASE_LO => self.rings.submit.base as u32,
            map::SUBMIT_BASE_HI => (self.rings.submit.base >> 32) as u32,
            map::COMPLETE_BASE_LO => self.rings.complete.base as u32,
            map::COMPLETE_BASE_HI => (self.rings.complete.base >> 32) as u32,
            map::RING_LOG2 => self.rings.log2,
            map::SUBMIT_INDEX => self.rings.submit.indices(),
            map::COMPLETE_INDEX => self.rings.complete.indices(),
            map::DOORBELL_SUBMIT => self.rings.submit.producer.into(),
            map::DOORBELL_COMPLETE => self.rings.complete.consumer.into(),
            _ => self.counter(offset),
        }
    }

    fn counter(&self, offset: u32) -> u32 {
        let place = offset.checked_sub(map::COUNTERS).filter(|place| place.is_multiple_of(4));
        let Some(place) = place else { return 0 };
        let counter = match self.counters.get((place / 8) as usize) {
            None => return 0,
            Some(_) if place / 8 == Event::Cycles as u32 => self.power_up.elapsed().as_nanos() as u64,
            Some(&count) => count,
        };
        (counter >> (32 * (place / 4 % 2))) as u32
    }

    /// Adds to a counter.
    pub(crate) fn count(&mut self, event: Event, more: u64) {
        let counter = &mut self.counters[event as usize];
        *counter = counter.wrapping_add(more);
    }

    fn status(&self) -> u32 {
        use fields::STATUS as bits;
        let busy = self.jobs != 0 || self.rings.waits();
        [
            (bits::READY, u32::from(self.enabled && !self.halted)),
            (bits::BUSY, busy.into()),
            (bits::RESETTING, self.resetting.into()),
            (bits::HALTED, self.halted.into()),
            (bits::ABORTING, self.rings.aborting().into()),
            (bits::JOBS, self.jobs),
        ]
        .iter()
        .fold(0, |status, (field, value)| field.set(status, *value))
    }

    /// Writes a whole register.
    pub(crate) fn write(&mut self, offset: u32, value: u32) -> Order {
        let low = |old: u64| old & !u64::from(u32::MAX) | u64::from(value);
        let high = |old: u64| old & u64::from(u32::MAX) | u64::from(value) << 32;
        match offset {
            map::SCRATCH => self.scratch = value,
            map::CONTROL => self.control(value),
            map::ERROR_STATUS => self.errors &= !(value & ErrorBits::ALL),
            map::WATCHDOG => self.watchdog = value,
            map::ABORT => {
                self.abort_tag = value as u16;
                self.rings.abort(self.abort_tag);
                return Order::Abort(self.abort_tag);
            }
            map::INT_STATUS => self.int_status &= !value,
            map::INT_ENABLE => self.int_enable = value & InterruptBits::ALL,
            map::INT_FORCE => self.int_status |= value & InterruptBits::ALL,
            map::DOORBELL_SUBMIT => self.doorbell(value, Rings::submitted),
            map::DOORBELL_COMPLETE => self.doorbell(value, Rings::completed),
            map::SUBMIT_BASE_LO if !self.locked => self.rings.submit.base = low(self.rings.submit.base),
            map::SUBMIT_BASE_HI if !self.locked => self.rings.submit.base = high(self.rings.submit.base),
            map::COMPLETE_BASE_LO if !self.locked => self.rings.complete.base = low(self.rings.complete.base),
            map::COMPLETE_BASE_HI if !self.locked => {
                self.rings.complete.base = high(self.rings.complete.base)
            }
            map::RING_LOG2 if !self.locked => {
                self.rings.log2 = if value > RING_LOG2.1 { 0 } else { value };
            }
            map::SUBMIT_BASE_LO
            | map::SUBMIT_BASE_HI
            | map::COMPLETE_BASE_LO
            | map::COMPLETE_BASE_HI
            | map::RING_LOG2 => {}
            _ => self.set_errors(ErrorBits::BAD_ACCESS),
        }
        Order::Nothing
    }

    fn control(&mut self, value: u32) {
        let reset = fields::CONTROL::RESET.get(value) != 0;
        let enable = fields::CONTROL::ENABLE.get(value) != 0;
        let bases = [self.rings.submit.base, self.rings.complete.base];
        let aligned = bases.iter().all(|base| base.is_multiple_of(RING_ALIGN));
        let possible = aligned && self.rings.log2 >= RING_LOG2.0;
        if enable && !possible {
            self.set_errors(ErrorBits::BAD_QUEUE);
        }
        self.locked |= enable && possible;
        self.resetting |= reset;
        self.enabled = enable && possible && !self.resetting;
    }

    const fn ready(&self) -> bool {
        self.enabled && !self.halted
    }

    /// A doorbell, which `take` accepts or refuses.
    fn doorbell(&mut self, value: u32, take: impl FnOnce(&mut Rings, u16) -> bool) {
        let index = u16::try_from(value).ok().filter(|_| self.ready());
        if !index.is_some_and(|index| take(&mut self.rings, index)) {
            self.set_errors(ErrorBits::BAD_DOORBELL);
        }
    }

    /// The address of the next descriptor, if the card may read one.
    pub(crate) fn next_descriptor(&self) -> Option<u64> {
        if self.ready() && !self.resetting { self.rings.next_descriptor() } else { None }
    }

    /// Sets bits of ERROR_STATUS.
    pub(crate) fn set_errors(&mut self, bits: u32) {
        if bits & !self.errors != 0 {
            self.int_status |= InterruptBits::ERROR;
        }
        self.errors |= bits;
        self.halted |= bits & (ErrorBits::COMPLETION_WRITE | ErrorBits::ENGINE_STUCK) != 0;
    }

    /// A bus had no memory at an address.
    pub(crate) fn bus_error(&mut self, port: Port, address: u64) {
        if self.errors & BUS_ERRORS == 0 {
            self.error_info = fields::ERROR_INFO::RESPONSE.set(port as u32, Self::NO_MEMORY);
            self.error_address = address;
        }
        self.set_errors(1 << port as u32);
    }

    /// The record of a job that asked for an interrupt is in memory.
    pub(crate) fn notify(&mut self) {
        self.int_status |= InterruptBits::COMPLETION;
    }

    /// Raises the vectors that have risen since the last call.
    pub(crate) fn interrupts(&mut self, bus: &Bus) {
        let levels = self.int_status & self.int_enable;
        let risen = levels & !self.levels;
        self.levels = levels;
        for vector in (0..VECTORS).filter(|vector| risen >> vector & 1 == 1) {
            bus.interrupt(vector as u16);
        }
    }
}
