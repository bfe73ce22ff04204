//! Devices on the RTL and on the mock, also as benches of stories, and a job that never ends.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

pub mod raw;

use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use lockstep_accel_abi::instructions::{Instruction, Pass};
use lockstep_accel_abi::{Descriptor, Opcode, Status};
use lockstep_accel_device::{CardSetup, MockSetup, ServedCard, SimulationSetup};
use lockstep_accel_driver::{Card, Options, Transport};
use lockstep_accel_stories::Bench;
use lockstep_vfio_user::Client;

/// Rows and columns of the array.
pub const LANES: usize = 8;
/// MiB of card memory.
pub const MIB: usize = 4;
/// The first client of a design may have to wait until Verilator has built the design.
pub const BUILT: Duration = Duration::from_secs(600);
/// The options of stories, without a deadline that a job of the RTL reaches.
pub const OPTIONS: Options = Options { job_time: Duration::from_secs(60), ..lockstep_accel_stories::OPTIONS };

/// A path for a socket that no other test uses.
pub fn socket() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("lockstep-card-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    std::env::temp_dir().join(name)
}

/// The cards that every story is told of: the mock first, which answers at once.
pub fn setups() -> [CardSetup; 2] {
    [mock(), SimulationSetup::of_engine(LANES, MIB << 20).into()]
}

/// The card that answers at once.
pub fn mock() -> CardSetup {
    MockSetup::new(LANES, MIB << 20).into()
}

/// The RTL with as much card memory as its design says.
pub fn rtl() -> CardSetup {
    SimulationSetup::of_engine(LANES, 1 << 30).into()
}

/// A mock and an RTL card on which stories are told.
pub fn served() -> [Served; 2] {
    setups().map(Served::start)
}

/// A card at a socket.
pub struct Served {
    _device: ServedCard,
    path: PathBuf,
    mock: bool,
}

impl Served {
    /// A card at a socket of its own.
    pub fn start(setup: CardSetup) -> Self {
        let mock = matches!(setup, CardSetup::Mock(_));
        let path = socket();
        Self { _device: ServedCard::start(&path, setup).unwrap(), path, mock }
    }
}

impl Bench for Served {
    type Transport = Client;

    fn connect(&self) -> lockstep_accel_stories::Result<Client> {
        Ok(Client::connect(&self.path, BUILT)?)
    }

    fn job_time(&self) -> Duration {
        Duration::from_secs(if self.mock { 1 } else { 10 })
    }
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

/// Starts the program and waits until it listens at all sockets. The design is built before.
pub fn listening(command: &mut Command, sockets: &[PathBuf]) -> Child {
    let mut child = command.spawn().unwrap();
    let begin = Instant::now();
    while !sockets.iter().all(|socket| socket.exists()) {
        assert_eq!(child.try_wait().unwrap(), None, "lockstep-card ended");
        assert!(begin.elapsed() < BUILT, "lockstep-card does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}
