//! The RTL behind a socket: whatever a driver does to a card, from the first look at its ids to vectors of an encoder.
#![allow(clippy::unwrap_used)]

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lockstep_accel_abi::codes::Interrupts;
use lockstep_accel_abi::registers::{self, fields};
use lockstep_accel_abi::{self as abi, Completion, Descriptor, ErrorBits, Opcode, Status, descriptor, ring};
use lockstep_accel_device::{ServedCard, SimulationSetup};
use lockstep_accel_memory::SharedMemory;
use lockstep_accel_program::{Engine, Image, Program};
use lockstep_arith::encoder::{Encoder, Pooling};
use lockstep_arith::sample::{self, Random, Shape};
use lockstep_vfio_user::{Client, Errno, Error, irq, region};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

const LANES: usize = 8;
const TIME: Duration = Duration::from_secs(60);
const IOVA: u64 = 0x12_3450_0000_0000;
const MEMORY: usize = 1 << 20;
const LOG2: u32 = 3;
/// Where things are in the memory that is mapped.
const COMPLETE_AT: u64 = 0x1000;
const DATA_AT: u64 = 0x2000;

/// Runs `client` against a card, and sees that the simulation ended well.
fn with_card(client: impl FnOnce(&Client)) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("lockstep-card-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = std::env::temp_dir().join(name);
    let card = ServedCard::start(&path, SimulationSetup::of_engine(LANES, MEMORY)).unwrap();
    // The design may have to be built first.
    client(&Client::connect(&path, Duration::from_secs(600)).unwrap());
    card.stop().unwrap();
}

fn read(client: &Client, register: u32) -> u32 {
    let mut bytes = [0; 4];
    client.read(region::BAR0, register.into(), &mut bytes).unwrap();
    u32::from_le_bytes(bytes)
}

fn write(client: &Client, register: u32, value: u32) {
    client.write(region::BAR0, register.into(), &value.to_le_bytes()).unwrap();
}

/// A card with its rings in mapped memory and its vectors on eventfds.
struct Driver<'a> {
    client: &'a Client,
    memory: SharedMemory,
    vectors: [OwnedFd; 2],
    submitted: u16,
    completed: u16,
}

impl<'a> Driver<'a> {
    fn start(client: &'a Client) -> Self {
        let memory = SharedMemory::create("test", MEMORY).unwrap();
        client.map(IOVA, MEMORY as u64, memory.as_fd(), 0).unwrap();
        let vectors = [(); 2].map(|()| eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap());
        let mut driver = Self { client, memory, vectors, submitted: 0, completed: 0 };
        driver.enable();
        driver
    }

    /// After power-up or a reset.
    fn enable(&mut self) {
        let client = self.client;
        client.write(region::CONFIG, 4, &[6, 0]).unwrap();
        client.set_interrupts(irq::MSIX, &self.vectors.each_ref().map(|v| v.as_fd())).unwrap();
        self.memory.write(0, &[0; DATA_AT as usize]).unwrap();
        (self.submitted, self.completed) = (0, 0);
        for (register, address) in
            [(registers::SUBMIT_BASE_LO, IOVA), (registers::COMPLETE_BASE_LO, IOVA + COMPLETE_AT)]
        {
            client.write(region::BAR0, register.into(), &address.to_le_bytes()).unwrap();
        }
        write(client, registers::RING_LOG2, LOG2);
        write(client, registers::INT_ENABLE, 3);
        write(client, registers::CONTROL, fields::CONTROL::ENABLE.mask());
    }

    fn submit(&mut self, commands: &[Descriptor]) {
        for command in commands {
            let slot = u64::from(ring::slot(self.submitted, LOG2));
            self.memory.write(slot * Descriptor::BYTES as u64, &command.to_bytes()).unwrap();
            self.submitted = self.submitted.wrapping_add(1);
        }
        write(self.client, registers::DOORBELL_SUBMIT, self.submitted.into());
    }

    /// The next record, after the interrupt that says so.
    fn wait(&mut self) -> Completion {
        loop {
            let slot = u64::from(ring::slot(self.completed, LOG2));
            let at = COMPLETE_AT + slot * Completion::BYTES as u64;
            let last = self.memory.load(at + Completion::LAST_WORD as u64, Ordering::Acquire).unwrap();
            let mut bytes = [0; Completion::BYTES];
            self.memory.read(at, &mut bytes).unwrap();
            bytes[Completion::LAST_WORD..].copy_from_slice(&last.to_le_bytes());
            let record = Completion::from_bytes(&bytes);
            if record.is_new(self.completed, LOG2) {
                self.completed = self.completed.wrapping_add(1);
                write(self.client, registers::DOORBELL_COMPLETE, self.completed.into());
                return record;
            }
            assert!(self.heard(0, TIME), "no interrupt");
            write(self.client, registers::INT_STATUS, Interrupts::COMPLETION);
        }
    }

    fn run(&mut self, command: Descriptor) -> Status {
        self.submit(&[command.with_interrupt()]);
        let record = self.wait();
        assert_eq!(record.tag, command.tag);
        record.outcome().unwrap()
    }

    /// Whether a vector was raised within some time.
    fn heard(&self, vector: usize, time: Duration) -> bool {
        let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() };
        let fd = &self.vectors[vector];
        poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&time)).unwrap() == 1
            && rustix::io::read(fd, &mut [0; 8]).unwrap() == 8
    }
}

/// A model and its program for some tokens, on the card from address 0.
struct Loaded {
    model: Encoder,
    program_at: u64,
    program: Program,
    tokens: usize,
}

impl Loaded {
    fn new(driver: &mut Driver<'_>, tokens: usize) -> Self {
        let model = sample::encoder(&Shape { layers: 1, pooling: Pooling::Mean, ..Shape::SMALL }, 5);
        let engine = Engine::new(LANES);
        let image = Image::new(&model, &engine).unwrap();
        let program = Program::new(&image, &engine, tokens, 0).unwrap();
        let mut bytes = image.bytes;
        bytes.resize(bytes.len().next_multiple_of(abi::codes::PROGRAM_ALIGN as usize), 0);
        let program_at = bytes.len() as u64;
        bytes.extend(program.bytes());
        driver.memory.write(DATA_AT, &bytes).unwrap();
        let copy = Descriptor::copy_to_card(1, IOVA + DATA_AT, 0, bytes.len() as u32);
        assert_eq!(driver.run(copy), Status::Ok);
        Self { model, program_at, program, tokens }
    }

    /// A job for one random sequence, its inputs in place, and what it must write.
    fn job(&self, driver: &Driver<'_>, seed: u64) -> (Descriptor, Vec<u8>) {
        let (ids, types) = sample::sequence(&self.model, self.tokens, &mut Random::new(seed));
        driver.memory.write(DATA_AT, &descriptor::inputs(&ids, &types).collect::<Vec<u8>>()).unwrap();
        let expected =
            self.model.forward(&ids, &types).unwrap().iter().flat_map(|y| y.to_le_bytes()).collect();
        let job = Descriptor {
            opcode: Opcode::Run as u8,
            tag: 7,
            card_address: self.program_at,
            program_length: self.program.len() as u32,
            host_address: IOVA + DATA_AT,
            output_address: IOVA + DATA_AT + 0x1000,
            runs: 1,
            array: LANES as u16,
            tokens: self.tokens as u16,
            hidden: self.model.hidden() as u16,
            ..Descriptor::default()
        };
        (job, expected)
    }

    fn check(&self, driver: &mut Driver<'_>, seed: u64) {
        let (job, expected) = self.job(driver, seed);
        assert_eq!(driver.run(job), Status::Ok);
        let mut found = vec![0; expected.len()];
        driver.memory.read(DATA_AT + 0x1000, &mut found).unwrap();
        assert_eq!(found, expected);
    }
}

#[test]
fn the_card_is_found_and_switched_on() {
    with_card(|client| {
        let mut ids = [0; 4];
        client.read(region::CONFIG, 0, &mut ids).unwrap();
        assert_eq!(u32::from_le_bytes(ids), u32::from(abi::PCI_DEVICE) << 16 | u32::from(abi::PCI_VENDOR));
        assert_eq!(client.region(region::BAR0).unwrap().size, u64::from(abi::BAR_BYTES));
        assert_eq!(client.interrupt(irq::MSIX).unwrap().count, 2);

        assert_eq!(read(client, registers::ID), abi::ALL_ONES, "memory is off");
        client.write(region::CONFIG, 4, &[2, 0]).unwrap();
        assert_eq!(read(client, registers::ID), abi::codes::ID_VALUE);
        write(client, registers::SCRATCH, 0x1234_5678);
        let mut two = [0; 8];
        client.read(region::BAR0, registers::BUILD_ID.into(), &mut two).unwrap();
        assert_eq!(two[4..], 0x1234_5678_u32.to_le_bytes(), "eight bytes are two registers");
        for (offset, bytes) in [(0, 1), (0, 2), (2, 4), (0, 16)] {
            let narrow = client.read(region::BAR0, offset, &mut vec![0; bytes]);
            assert!(
                matches!(narrow, Err(Error::Refused { errno: Errno::INVAL, .. })),
                "{bytes} bytes at {offset}"
            );
        }
        client.reset().unwrap();
        assert_eq!(read(client, registers::ID), abi::ALL_ONES, "a reset switches memory off");
        client.write(region::CONFIG, 4, &[2, 0]).unwrap();
        assert_eq!(read(client, registers::SCRATCH), 0);
    });
}

#[test]
fn vectors_over_the_socket_are_the_reference_s() {
    with_card(|client| {
        let mut driver = Driver::start(client);
        let loaded = Loaded::new(&mut driver, 5);
        // More jobs than the ring has entries.
        for seed in 0..10 {
            loaded.check(&mut driver, seed);
        }
        assert!(!driver.heard(1, Duration::ZERO), "no error");

        // In the middle of a job: what was in card memory is lost, and what comes then is right.
        let (job, _) = loaded.job(&driver, 20);
        driver.submit(&[job]);
        client.write(region::CONFIG, 0x68, &0x8000_u16.to_le_bytes()).unwrap();
        driver.enable();
        Loaded::new(&mut driver, 5).check(&mut driver, 21);
    });
}

#[test]
fn faults_of_the_bus_reach_the_driver() {
    with_card(|client| {
        let mut driver = Driver::start(client);
        let beyond = IOVA + MEMORY as u64;
        assert_eq!(driver.run(Descriptor::copy_to_card(1, beyond, 0, 64)), Status::HostRead);
        assert!(driver.heard(1, TIME), "the error's vector");
        assert_eq!(read(client, registers::ERROR_STATUS), ErrorBits::HOST_READ);
        assert_eq!(read(client, registers::ERROR_ADDRESS_LO), beyond as u32);
        write(client, registers::ERROR_STATUS, u32::MAX);
        assert_eq!(driver.run(Descriptor::copy_from_card(2, 0, beyond, 64)), Status::HostWrite);
        // Bytes beside a copy stay as they are.
        driver.memory.write(DATA_AT, &[0x77; 64]).unwrap();
        assert_eq!(driver.run(Descriptor::copy_from_card(3, 0, IOVA + DATA_AT + 12, 20)), Status::Ok);
        let mut found = [0; 64];
        driver.memory.read(DATA_AT, &mut found).unwrap();
        assert_eq!(found.map(|b| b == 0x77), std::array::from_fn(|i| !(12..32).contains(&i)));

        // Bus master off: the card can neither read its ring nor say so, and halts until it is reset.
        client.write(region::CONFIG, 4, &[2, 0]).unwrap();
        driver.submit(&[Descriptor::nop(4)]);
        while read(client, registers::STATUS) & fields::STATUS::HALTED.mask() == 0 {
            std::thread::yield_now();
        }
        let errors = read(client, registers::ERROR_STATUS);
        assert_eq!(errors & ErrorBits::COMPLETION_WRITE, ErrorBits::COMPLETION_WRITE);
        client.reset().unwrap();
        driver.enable();
        assert_eq!(driver.run(Descriptor::nop(5)), Status::Ok);
    });
}
