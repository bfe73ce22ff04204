//! The registers with rings, interrupts and reset: the bench sends commands over a bus that pauses,
//! and reads the state of the card back.

use lockstep_accel_abi::registers::{self, fields};
use lockstep_accel_abi::{ErrorBits, codes, ring};
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::{AxiLite, Stalls};

use crate::{Bench, unit};

/// Events of the rest of the card, each of one cycle.
const EVENTS: [&str; 9] = [
    "bus_error_valid_i",
    "work_fetched_i",
    "work_recorded_i",
    "work_notify_i",
    "work_fetch_error_i",
    "work_record_error_i",
    "work_late_i",
    "work_stuck_i",
    "work_aborting_i",
];
/// Bases of the two rings.
const BASES: [u64; 2] = [0x12_3456_7840, 0x9_8765_4300];

struct Driver {
    bench: Bench,
    bus: AxiLite,
}

impl Driver {
    fn new(stalls: Stalls) -> Self {
        let mut bench = unit("ls_control", &[]);
        for port in EVENTS {
            bench.set(port, 0);
        }
        bench.set("work_busy_i", 0);
        bench.set("work_jobs_i", 0);
        bench.set("idle_i", 1);
        let bus = AxiLite::new(&bench.sim, "regs", stalls).unwrap();
        Self { bench, bus }
    }

    fn write(&mut self, register: u32, value: u64) {
        let answer = self.bus.write(&mut self.bench.sim, &mut [], register.into(), value, 300).unwrap();
        assert_eq!(answer.response, 0);
    }

    fn read(&mut self, register: u32) -> u64 {
        let answer = self.bus.read(&mut self.bench.sim, &mut [], register.into(), 300).unwrap();
        assert_eq!(answer.response, 0);
        answer.data
    }

    /// Something happens in the card, for one cycle.
    fn event(&mut self, port: &str, value: u64) {
        self.bench.set(port, value);
        self.bench.clock();
        self.bench.set(port, 0);
    }
}

/// What the driver must find.
#[derive(Default)]
struct Model {
    log2: u32,
    submit: (u16, u16),
    complete: (u16, u16),
    errors: u64,
    interrupts: u64,
}

impl Model {
    /// A bit that becomes set is an event of its own.
    fn error(&mut self, bit: u32) {
        let bit = u64::from(bit);
        if self.errors & bit == 0 {
            self.interrupts |= u64::from(codes::InterruptBits::ERROR);
        }
        self.errors |= bit;
    }

    fn check(&self, driver: &mut Driver) {
        let pair = |(producer, consumer): (u16, u16)| u64::from(producer) | u64::from(consumer) << 16;
        assert_eq!(driver.read(registers::SUBMIT_INDEX), pair(self.submit));
        assert_eq!(driver.read(registers::COMPLETE_INDEX), pair(self.complete));
        assert_eq!(driver.read(registers::ERROR_STATUS), self.errors);
        assert_eq!(driver.read(registers::INT_STATUS), self.interrupts);
        assert_eq!(driver.read(registers::STATUS), 1 << fields::STATUS::READY.low);
        assert_eq!(driver.bench.get("irq_o"), self.interrupts);
        assert_eq!(driver.bench.get("submit_used_o"), ring::used(self.submit.0, self.submit.1).into());
    }
}

/// Writes bases and size, and enables.
fn enable(driver: &mut Driver, random: &mut Random) -> Model {
    let log2 = random.within(1, 4) as u32;
    for (register, value) in [
        (registers::SUBMIT_BASE_LO, BASES[0] & 0xffff_ffff),
        (registers::SUBMIT_BASE_HI, BASES[0] >> 32),
        (registers::COMPLETE_BASE_LO, BASES[1] & 0xffff_ffff),
        (registers::COMPLETE_BASE_HI, BASES[1] >> 32),
        (registers::RING_LOG2, log2.into()),
        (registers::INT_ENABLE, 3),
        (registers::CONTROL, 1),
    ] {
        driver.write(register, value);
    }
    let outputs = ["submit_base_o", "complete_base_o", "ring_log2_o", "enable_o"];
    assert_eq!(outputs.map(|o| driver.bench.get(o)), [BASES[0], BASES[1], log2.into(), 1]);
    Model { log2, ..Model::default() }
}

/// A soft reset while the bus is busy for some time.
fn soft_reset(driver: &mut Driver, random: &mut Random) {
    driver.bench.set("idle_i", 0);
    driver.write(registers::CONTROL, 1 << fields::CONTROL::RESET.low);
    for _ in 0..random.within(1, 3) {
        let resetting = 1 << fields::STATUS::RESETTING.low;
        assert_eq!(driver.read(registers::STATUS) & resetting, resetting);
        assert_eq!(driver.bench.get("drain_o"), 1);
    }
    driver.bench.set("idle_i", 1);
    driver.bench.clock();
    assert_eq!(driver.read(registers::STATUS), 0);
    assert_eq!(driver.read(registers::RING_LOG2), 0);
}

fn act(driver: &mut Driver, model: &mut Model, random: &mut Random) {
    let step = random.within(-1, 4) as u16;
    match random.within(0, 8) {
        0 => {
            let (producer, consumer) = model.submit;
            let index = producer.wrapping_add(step);
            driver.write(registers::DOORBELL_SUBMIT, index.into());
            if ring::valid_producer(index, producer, consumer, model.log2) {
                model.submit.0 = index;
            } else {
                model.error(ErrorBits::BAD_DOORBELL);
            }
        }
        1 => {
            let (producer, consumer) = model.complete;
            let index = consumer.wrapping_add(step);
            driver.write(registers::DOORBELL_COMPLETE, index.into());
            if ring::valid_consumer(index, consumer, producer) {
                model.complete.1 = index;
            } else {
                model.error(ErrorBits::BAD_DOORBELL);
            }
        }
        2 if model.submit.0 != model.submit.1 => {
            driver.event("work_fetched_i", 1);
            model.submit.1 = model.submit.1.wrapping_add(1);
        }
        3 if ring::used(model.complete.0, model.complete.1) < 1 << model.log2 => {
            driver.event("work_recorded_i", 1);
            model.complete.0 = model.complete.0.wrapping_add(1);
        }
        4 => {
            driver.event("work_notify_i", 1);
            model.interrupts |= u64::from(codes::InterruptBits::COMPLETION);
        }
        5 => {
            let events = [
                ("bus_error_valid_i", 1, ErrorBits::HOST_READ),
                ("bus_error_valid_i", 2, ErrorBits::HOST_WRITE),
                ("bus_error_valid_i", 4, ErrorBits::CARD_READ),
                ("bus_error_valid_i", 8, ErrorBits::CARD_WRITE),
                ("work_fetch_error_i", 1, ErrorBits::DESCRIPTOR_READ),
                ("work_late_i", 1, ErrorBits::WATCHDOG),
            ];
            let (port, value, bit) = events[random.within(0, 5) as usize];
            driver.event(port, value);
            model.error(bit);
        }
        6 => {
            let bits = random.next() & 0x7ff;
            driver.write(registers::ERROR_STATUS, bits);
            model.errors &= !bits;
        }
        7 => {
            let bits = random.next() & 3;
            driver.write(registers::INT_STATUS, bits);
            model.interrupts &= !bits;
        }
        8 => {
            let bits = random.next() & 3;
            driver.write(registers::INT_FORCE, bits);
            model.interrupts |= bits;
        }
        _ => {}
    }
}

#[test]
fn control() {
    for stalls in Stalls::crossed(371) {
        let mut driver = Driver::new(stalls);
        let mut random = Random::new(stalls.seed);
        for _ in 0..4 {
            let mut model = enable(&mut driver, &mut random);
            for _ in 0..60 {
                act(&mut driver, &mut model, &mut random);
                model.check(&mut driver);
            }
            soft_reset(&mut driver, &mut random);
        }
        // What halts the card is undone by a reset alone.
        enable(&mut driver, &mut random);
        driver.event(["work_record_error_i", "work_stuck_i"][random.within(0, 1) as usize], 1);
        driver.write(registers::ERROR_STATUS, 0x7ff);
        let halted = 1 << fields::STATUS::HALTED.low;
        assert_eq!((driver.read(registers::STATUS), driver.bench.get("enable_o")), (halted, 0));
        soft_reset(&mut driver, &mut random);
        enable(&mut driver, &mut random);
    }
}
