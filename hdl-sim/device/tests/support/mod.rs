//! Devices on the RTL and on the mock, small models, random texts, a job that never ends.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

pub mod raw;

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use lockstep_accel_abi::instructions::{Instruction, Pass};
use lockstep_accel_abi::{Descriptor, Opcode, Status};
use lockstep_accel_device::{CardSetup, MockSetup, ServedCard, SimulationSetup};
use lockstep_accel_driver::{Card, Options, Sequence, Transport};
use lockstep_arith::encoder::{Encoder, Pooling};
use lockstep_arith::sample::{self, Random, Shape};
use lockstep_vfio_user::Client;

/// Rows and columns of the array.
pub const LANES: usize = 8;
/// MiB of card memory.
pub const MIB: usize = 4;
/// The first client of a design may have to wait until Verilator has built the design.
pub const BUILT: Duration = Duration::from_secs(600);
/// Little memory for data, so that the driver must split copies and batches.
pub const OPTIONS: Options = Options {
    ring_log2: 1,
    memory: 6000,
    iova: 0x7_0000_0000,
    job_time: Duration::from_secs(60),
    ..Options::DEFAULT
};

/// A path for a socket that no other test uses.
pub fn socket() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("lockstep-card-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    std::env::temp_dir().join(name)
}

/// The cards that every story is told of: the mock first, which answers at once.
pub fn setups() -> [CardSetup; 2] {
    let mock = MockSetup::new(LANES, MIB << 20);
    [mock.into(), SimulationSetup::of_engine(LANES, MIB << 20).into()]
}

/// Calls `test` with a client of each kind of device on threads of this process.
pub fn with_device(test: impl Fn(Client, ServedCard)) {
    for setup in setups() {
        let path = socket();
        // A test that fails shows on which card.
        println!("{setup:?}");
        let device = ServedCard::start(&path, setup).unwrap();
        test(Client::connect(&path, BUILT).unwrap(), device);
    }
}

/// A job that ends only when it is aborted: its program has no `end`. The function copies the
/// program to card memory from address `at` on.
pub fn endless<T: Transport>(card: &mut Card<T>, at: u64) -> Descriptor {
    card.write_data(0, &Instruction::from(Pass::default()).to_bytes().unwrap()).unwrap();
    let copy = Descriptor::copy_to_card(0, card.data_iova(0), at, 32);
    assert_eq!(card.execute(&[copy]).unwrap()[0].status, Status::Ok);
    endless_job(at)
}

/// The job of a program at address `at` of card memory that is one instruction and has no `end`.
pub fn endless_job(at: u64) -> Descriptor {
    Descriptor {
        opcode: Opcode::Run as u8,
        card_address: at,
        program_length: 1,
        runs: 1,
        array: LANES as u16,
        tokens: 1,
        hidden: 64,
        ..Descriptor::default()
    }
}

/// Starts the program and waits until it listens.
pub fn listening(command: &mut Command, path: &Path) -> Child {
    let child = command.spawn().unwrap();
    let begin = Instant::now();
    while !path.exists() {
        assert!(begin.elapsed() < Duration::from_secs(20), "lockstep-card does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

/// A random model with one layer. Models of different seeds give different vectors.
pub fn model(seed: u64) -> Encoder {
    sample::encoder(&Shape { layers: 1, pooling: Pooling::Mean, ..Shape::SMALL }, seed)
}

/// A random model with one layer and a classification head.
pub fn classifier(seed: u64, labels: usize) -> Encoder {
    sample::encoder(&Shape { layers: 1, labels, pooling: Pooling::Mean, ..Shape::SMALL }, seed)
}

/// Random token ids and token types.
pub struct Texts(Vec<(Vec<u32>, Vec<u8>)>);

impl Texts {
    /// One sequence for each length.
    pub fn new(model: &Encoder, lengths: &[usize], seed: u64) -> Self {
        let mut random = Random::new(seed);
        Self(lengths.iter().map(|&n| sample::sequence(model, n, &mut random)).collect())
    }

    pub fn batch(&self) -> Vec<Sequence<'_>> {
        self.0.iter().map(|(ids, type_ids)| Sequence { ids, type_ids }).collect()
    }

    /// The reference's vectors.
    pub fn expected(&self, model: &Encoder) -> Vec<Vec<i32>> {
        self.0.iter().map(|(ids, types)| model.forward(ids, types).unwrap()).collect()
    }
}
