//! The driver's memory, mapped for a card by a client that stays connected.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use lockstep_accel_memory::SharedMemory;
use lockstep_vfio_user::{Bus, Client, Device, Errno, Server, region};
use rustix::event::{EventfdFlags, eventfd};

/// Bus address of the memory.
pub(super) const IOVA: u64 = 1 << 32;
/// What the memory holds at first.
const FILL: u8 = 0x11;

/// The memory, and the bus by which a card reaches it.
pub(super) struct Host {
    pub(super) bus: Arc<Bus>,
    memory: SharedMemory,
    /// Keeps the map.
    _client: Client,
}

/// A device that is only there because a server serves one.
struct Nothing;

impl Device for Nothing {
    fn regions(&self) -> [u64; region::COUNT as usize] {
        [0; region::COUNT as usize]
    }

    fn read(&mut self, _: u32, _: u64, _: &mut [u8]) -> Result<(), Errno> {
        Err(Errno::INVAL)
    }

    fn write(&mut self, _: u32, _: u64, _: &[u8]) -> Result<(), Errno> {
        Err(Errno::INVAL)
    }

    fn reset(&mut self) -> Result<(), Errno> {
        Ok(())
    }
}

impl Host {
    pub(super) fn new(bytes: usize) -> Self {
        let name = format!("lockstep-fuzz-host-{}-{:?}", std::process::id(), std::thread::current().id());
        let path = std::env::temp_dir().join(name);
        let bus = Arc::new(Bus::new(2));
        let server = Server::bind(&path, bus.clone()).expect("a socket");
        std::thread::spawn(move || {
            let stop = eventfd(0, EventfdFlags::CLOEXEC).expect("an eventfd");
            // It serves until the client is dropped.
            let _ = server.serve(&mut Nothing, stop.as_fd());
        });
        let client = Client::connect(&path, Duration::from_secs(10)).expect("the server listens");
        let memory = SharedMemory::create("lockstep-fuzz", bytes).expect("memory");
        client.map(IOVA, bytes as u64, memory.as_fd(), 0).expect("a map");
        bus.set_master(true);
        Self { bus, memory, _client: client }
    }

    /// Makes the memory what it was at first.
    pub(super) fn fill(&self) {
        self.write(0, &vec![FILL; self.memory.size()]);
    }

    pub(super) fn write(&self, at: u64, bytes: &[u8]) {
        self.memory.write(at, bytes).expect("inside");
    }

    pub(super) fn read(&self, at: u64, bytes: usize) -> Vec<u8> {
        let mut read = vec![0; bytes];
        self.memory.read(at, &mut read).expect("inside");
        read
    }
}
