//! A device that copies memory, on a thread of this process.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use lockstep_vfio_user::{Bus, Client, ConfigSpace, Device, Ended, Errno, Error, Identity, Server, region};
use rustix::event::{EventfdFlags, eventfd};

pub const IDENTITY: Identity =
    Identity { vendor: 0x1234, device: 0x0001, class: 0x12_0000, revision: 1, subsystem: 1 };
pub const TIME: Duration = Duration::from_secs(20);
/// Registers of BAR 0: source address, target address, number of bytes, number of failed copies. A
/// write to `BYTES` starts the copy.
pub const FROM: u64 = 0;
pub const TO: u64 = 8;
pub const BYTES: u64 = 16;
pub const FAULTS: u64 = 20;
/// The device refuses an access to this register.
pub const REFUSES: u64 = 24;
/// The device answers a read of this register too late.
pub const SLEEPS: u64 = 28;

/// The device. It raises vector 0 after each copy.
pub struct Copier {
    config: ConfigSpace,
    bus: Arc<Bus>,
    registers: [u8; 20],
    faults: u32,
    pub resets: u32,
}

impl Copier {
    pub fn new(bus: Arc<Bus>) -> Self {
        let config = ConfigSpace::new(IDENTITY, [0x1000, 0, 0x1000, 0, 0, 0], 2, 2).unwrap();
        Self { config, bus, registers: [0; 20], faults: 0, resets: 0 }
    }

    fn register(&self, at: u64) -> u64 {
        u64::from_le_bytes(self.registers[at as usize..][..8].try_into().unwrap())
    }

    fn copy(&mut self) {
        let bytes = u32::from_le_bytes(self.registers[16..].try_into().unwrap());
        let mut data = vec![0; bytes as usize];
        let read = self.bus.read(self.register(FROM), &mut data);
        let copied = read.and_then(|()| self.bus.write(self.register(TO), &data));
        self.faults += u32::from(copied.is_err());
        self.bus.interrupt(0);
    }
}

impl Device for Copier {
    fn regions(&self) -> [u64; region::COUNT as usize] {
        self.config.regions()
    }
    fn read(&mut self, region: u32, offset: u64, to: &mut [u8]) -> Result<(), Errno> {
        match (region, offset) {
            (region::CONFIG, _) => self.config.read(offset, to),
            (region::BAR0, FAULTS) if to.len() == 4 => {
                to.copy_from_slice(&self.faults.to_le_bytes());
                Ok(())
            }
            (region::BAR0, SLEEPS) => {
                std::thread::sleep(Duration::from_millis(300));
                Ok(())
            }
            (region::BAR0, REFUSES) => Err(Errno::ACCESS),
            (region::BAR0, 0..20) if offset as usize + to.len() <= 20 => {
                to.copy_from_slice(&self.registers[offset as usize..][..to.len()]);
                Ok(())
            }
            _ => Ok(()),
        }
    }
    fn write(&mut self, region: u32, offset: u64, from: &[u8]) -> Result<(), Errno> {
        match (region, offset) {
            (region::CONFIG, _) => {
                let effect = self.config.write(offset, from)?;
                self.bus.set_master(self.config.bus_master());
                if effect.reset { self.reset() } else { Ok(()) }
            }
            (region::BAR0, 0..20) if offset as usize + from.len() <= 20 => {
                self.registers[offset as usize..][..from.len()].copy_from_slice(from);
                if offset == BYTES {
                    self.copy();
                }
                Ok(())
            }
            _ => Err(Errno::INVAL),
        }
    }
    fn reset(&mut self) -> Result<(), Errno> {
        self.config.reset();
        self.bus.set_master(false);
        self.registers = [0; 20];
        self.faults = 0;
        self.resets += 1;
        Ok(())
    }
}

/// A device on a thread of this process.
pub struct Served {
    pub path: PathBuf,
    pub bus: Arc<Bus>,
    pub ended: Receiver<Result<Ended, Error>>,
    stop: OwnedFd,
    thread: Option<JoinHandle<u32>>,
}

impl Served {
    pub fn start() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name =
            format!("lockstep-vfio-user-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        let bus = Arc::new(Bus::new(2));
        let server = Server::bind(&path, bus.clone()).unwrap();
        let stop = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
        let stopped = stop.try_clone().unwrap();
        let (send, ended) = channel();
        let mut device = Copier::new(bus.clone());
        let thread = std::thread::spawn(move || {
            loop {
                let end = server.serve(&mut device, stopped.as_fd());
                let stop = matches!(end, Ok(Ended::Stopped));
                // A test that does not ask for the end has dropped the other side.
                let _ = send.send(end);
                if stop {
                    return device.resets;
                }
            }
        });
        Self { path, bus, ended, stop, thread: Some(thread) }
    }

    pub fn client(&self) -> Client {
        Client::connect(&self.path, TIME).unwrap()
    }

    /// Waits for the end of the last client's session, and returns how it ended.
    pub fn ended(&self) -> Result<Ended, Error> {
        self.ended.recv_timeout(TIME).unwrap()
    }

    /// Stops the server. Returns how often the device was reset.
    pub fn stop(mut self) -> u32 {
        rustix::io::write(&self.stop, &1_u64.to_ne_bytes()).unwrap();
        self.thread.take().unwrap().join().unwrap()
    }

    /// A client that can send any bytes.
    pub fn raw(&self) -> Raw {
        let socket = UnixStream::connect(&self.path).unwrap();
        socket.set_read_timeout(Some(TIME)).unwrap();
        Raw(socket)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = rustix::io::write(&self.stop, &1_u64.to_ne_bytes());
    }
}

/// A connection as a stream of bytes.
pub struct Raw(pub UnixStream);

impl Raw {
    /// Sends a command and returns the header and the payload of the reply.
    pub fn ask(&mut self, id: u16, command: u16, payload: &[u8]) -> ([u8; 16], Vec<u8>) {
        self.send(id, command, 0, payload);
        self.receive()
    }

    pub fn send(&mut self, id: u16, command: u16, flags: u32, payload: &[u8]) {
        let mut bytes = [&id.to_le_bytes()[..], &command.to_le_bytes()].concat();
        bytes.extend((16 + payload.len() as u32).to_le_bytes());
        bytes.extend(flags.to_le_bytes());
        bytes.extend([0; 4]);
        bytes.extend(payload);
        self.0.write_all(&bytes).unwrap();
    }

    pub fn receive(&mut self) -> ([u8; 16], Vec<u8>) {
        let mut header = [0; 16];
        self.0.read_exact(&mut header).unwrap();
        let mut payload = vec![0; u32::from_le_bytes(header[4..8].try_into().unwrap()) as usize - 16];
        self.0.read_exact(&mut payload).unwrap();
        (header, payload)
    }

    /// Agrees on the version.
    pub fn greeted(mut self) -> Self {
        self.ask(0, 1, &[0, 0, 1, 0]);
        self
    }
}

/// Waits for an eventfd and returns its count.
pub fn counted(eventfd: &OwnedFd) -> u64 {
    let mut bytes = [0; 8];
    rustix::io::read(eventfd, &mut bytes).unwrap();
    u64::from_ne_bytes(bytes)
}
