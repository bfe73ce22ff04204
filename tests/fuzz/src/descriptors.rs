//! The mock card's registers, rings and descriptors under a driver that does anything. Whatever it
//! was told, the card is as new after a soft reset, and works.

mod host;

use lockstep_accel_abi::codes::{COPY_MAX, InterruptBits, RING_ALIGN};
use lockstep_accel_abi::registers::{self as map, REGISTERS, fields};
use lockstep_accel_abi::{BAR_BYTES, Completion, Descriptor, ErrorBits, Opcode, Status, ring};
use lockstep_accel_device::{MockSetup, SteppedMock};

use crate::script::Script;
use host::{Host, IOVA};

const CARD_BYTES: usize = 1 << 14;
const LANES: usize = 8;
/// Nanoseconds until the card aborts a program that does not end.
const WATCHDOG: u32 = 20_000;
/// Where things lie in the driver's memory.
const RECORDS: u64 = 0x1000;
const DATA: u64 = 0x2000;
const BYTES: u64 = 0x4000;
const _: () = assert!(RECORDS.is_multiple_of(RING_ALIGN) && IOVA.is_multiple_of(RING_ALIGN));

/// A card and its driver's memory, which every run finds the same.
struct Bench {
    card: SteppedMock,
    host: Host,
    /// Log2 of the rings' entries, the next descriptor, the next record.
    log2: u32,
    submitted: u16,
    completed: u16,
}

thread_local! {
    static BENCH: std::cell::RefCell<Bench> = std::cell::RefCell::new(Bench::new());
}

/// Reads a script as what a driver does. Returns whether a job succeeded.
pub fn run(bytes: &[u8]) -> bool {
    BENCH.with_borrow_mut(|bench| {
        let mut script = Script::new(bytes);
        bench.begin(1 + script.below(4) as u32);
        bench.recall();
        bench.card.write(map::WATCHDOG, WATCHDOG);
        let ok = bench.counter();
        for _ in 0..40 {
            if script.is_over() {
                break;
            }
            bench.act(&mut script);
        }
        bench.card.work();
        bench.check();
        let succeeded = bench.counter() != ok;
        bench.begin(2);
        bench.recall();
        succeeded
    })
}

impl Bench {
    fn new() -> Self {
        let host = Host::new(BYTES as usize);
        let card = SteppedMock::new(&MockSetup::new(LANES, CARD_BYTES), host.bus.clone());
        Self { card, host, log2: 0, submitted: 0, completed: 0 }
    }

    /// Resets the card and enables its queue.
    fn begin(&mut self, log2: u32) {
        self.host.fill();
        self.card.write(map::CONTROL, fields::CONTROL::RESET.mask());
        self.card.work();
        (self.log2, self.submitted, self.completed) = (log2, 0, 0);
        for (register, value) in [
            (map::SUBMIT_BASE_LO, IOVA as u32),
            (map::SUBMIT_BASE_HI, (IOVA >> 32) as u32),
            (map::COMPLETE_BASE_LO, (IOVA + RECORDS) as u32),
            (map::COMPLETE_BASE_HI, ((IOVA + RECORDS) >> 32) as u32),
            (map::RING_LOG2, log2),
            (map::INT_ENABLE, InterruptBits::ALL),
            (map::CONTROL, fields::CONTROL::ENABLE.mask()),
        ] {
            self.card.write(register, value);
        }
        let ready = fields::STATUS::READY.get(self.card.read(map::STATUS));
        assert_eq!((ready, self.card.read(map::ERROR_STATUS)), (1, 0), "a card after a reset");
    }

    /// Copies to the card and back. It also makes card memory what it was.
    fn recall(&mut self) {
        let data: Vec<u8> = (0..CARD_BYTES / 2).map(|i| i as u8).collect();
        for (half, at) in [0, CARD_BYTES as u64 / 2].into_iter().enumerate() {
            self.host.write(DATA, &data);
            self.good(Descriptor::copy_to_card(half as u16, IOVA + DATA, at, data.len() as u32));
            self.host.write(DATA, &vec![0; data.len()]);
            self.good(Descriptor::copy_from_card(7, at, IOVA + DATA, data.len() as u32));
            assert_eq!(self.host.read(DATA, data.len()), data, "what was copied comes back");
        }
        self.host.fill();
    }

    /// Runs a job that must succeed.
    fn good(&mut self, job: Descriptor) {
        self.push(&job);
        self.card.write(map::DOORBELL_SUBMIT, self.submitted.into());
        self.card.work();
        let slot = u64::from(ring::slot(self.completed, self.log2)) * Completion::BYTES as u64;
        let bytes = self.host.read(RECORDS + slot, Completion::BYTES);
        let record = Completion::from_bytes(bytes.as_array().expect("a record"));
        assert!(record.is_new(self.completed, self.log2), "a record of {job:?}");
        assert_eq!((record.tag, record.outcome()), (job.tag, Ok(Status::Ok)));
        self.completed = self.completed.wrapping_add(1);
        self.card.write(map::DOORBELL_COMPLETE, self.completed.into());
    }

    fn push(&mut self, job: &Descriptor) {
        let slot = u64::from(ring::slot(self.submitted, self.log2)) * Descriptor::BYTES as u64;
        self.host.write(slot, &job.to_bytes());
        self.submitted = self.submitted.wrapping_add(1);
    }

    fn act(&mut self, script: &mut Script<'_>) {
        match script.below(8) {
            0..=2 => {
                let job = descriptor(script);
                self.push(&job);
                self.card.write(map::DOORBELL_SUBMIT, self.submitted.into());
            }
            3 => {
                self.completed = self.completed.wrapping_add(script.byte().into());
                self.card.write(map::DOORBELL_COMPLETE, self.completed.into());
            }
            4 => {
                let register = self.register(script);
                if register != map::WATCHDOG {
                    self.card.write(register, script.number() as u32);
                }
            }
            5 => {
                let register = self.register(script);
                let _ = self.card.read(register);
            }
            6 => {
                let at = script.below(BYTES as usize - 64) as u64;
                self.host.write(at, script.bytes(48));
            }
            _ => {
                self.card.work();
                self.check();
            }
        }
    }

    fn register(&self, script: &mut Script<'_>) -> u32 {
        if script.chance(32) {
            return (script.word() % BAR_BYTES) & !3;
        }
        script.pick(REGISTERS).offset
    }

    /// What the registers say never contradicts itself.
    fn check(&self) {
        let status = self.card.read(map::STATUS);
        let errors = self.card.read(map::ERROR_STATUS);
        assert_eq!(errors & !ErrorBits::ALL, 0, "errors without a name: {errors:#x}");
        let [halted, ready] = [fields::STATUS::HALTED, fields::STATUS::READY].map(|f| f.get(status));
        assert!(halted + ready < 2, "a card that halted is ready");
        let log2 = self.card.read(map::RING_LOG2);
        for register in [map::SUBMIT_INDEX, map::COMPLETE_INDEX] {
            let indices = self.card.read(register);
            let used = ring::used(indices as u16, (indices >> 16) as u16);
            assert!(u32::from(used) <= 1 << log2, "{used} entries of a ring of 2^{log2}");
        }
    }

    /// How many jobs succeeded since the card's start.
    fn counter(&self) -> u32 {
        self.card.read(map::COUNTERS + 8 * lockstep_accel_abi::events::Event::JobsOk as u32)
    }
}

/// A descriptor that the card takes, or nearly.
fn descriptor(script: &mut Script<'_>) -> Descriptor {
    let mut number = |near: u64, alignment: u64| {
        if script.chance(20) { script.number() } else { near + alignment * script.below(32) as u64 }
    };
    let (card, host, output) = (number(0, 64), number(IOVA + DATA, 4), number(IOVA + DATA, 4));
    let (bytes, length, strides) = (number(4, 4), number(1, 1), number(0, 4));
    let (tokens, hidden) = (number(1, 1), number(32, 2));
    let opcode = script.pick(&[Opcode::Nop, Opcode::CopyToCard, Opcode::CopyFromCard, Opcode::Run]);
    let flags = script.below(4) as u8;
    let tag = script.byte().into();
    let mut job = match opcode {
        Opcode::Nop => Descriptor::nop(tag),
        Opcode::CopyToCard => Descriptor::copy_to_card(tag, host, card, bytes as u32 % COPY_MAX),
        Opcode::CopyFromCard => Descriptor::copy_from_card(tag, card, host, bytes as u32),
        Opcode::Run => Descriptor {
            opcode: opcode as u8,
            tag,
            program_length: length as u32,
            card_address: card,
            host_address: host,
            output_address: output,
            runs: 1 + script.below(3) as u16,
            array: LANES as u16,
            tokens: tokens as u16,
            hidden: hidden as u16,
            input_stride: strides as u32,
            output_stride: strides as u32,
            ..Descriptor::default()
        },
    };
    job.flags = flags;
    if script.chance(16) {
        let mut bytes = job.to_bytes();
        bytes[script.below(Descriptor::BYTES)] ^= 1 << script.below(8);
        job = Descriptor::from_bytes(&bytes);
    }
    job
}

/// Random drivers.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    crate::random::scripts(24, 300)
}
