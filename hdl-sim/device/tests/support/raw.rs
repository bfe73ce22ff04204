//! A client that writes registers and rings itself, where the driver would tidy up behind itself.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lockstep_accel_abi::registers::{self, fields};
use lockstep_accel_abi::{Completion, Descriptor, ring};
use lockstep_accel_memory::SharedMemory;
use lockstep_vfio_user::{Client, irq, region};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// The PCI command register, with bit 1 for memory and bit 2 for the bus master.
pub const COMMAND: u64 = 4;
const LOG2: u32 = 4;
const IOVA: u64 = 0x10_0000;
const COMPLETE: u64 = 0x1000;
/// Offset of the data in the client's memory.
const DATA: u64 = 0x2000;

/// A client with rings and memory for data.
pub struct Raw {
    pub client: Client,
    memory: SharedMemory,
    /// The eventfd of the vector that reports records.
    vector: OwnedFd,
    submitted: u16,
    completed: u16,
}

pub fn read(client: &Client, register: u32) -> u32 {
    let mut bytes = [0; 4];
    client.read(region::BAR0, register.into(), &mut bytes).unwrap();
    u32::from_le_bytes(bytes)
}

pub fn write(client: &Client, register: u32, value: u32) {
    client.write(region::BAR0, register.into(), &value.to_le_bytes()).unwrap();
}

impl Raw {
    /// Switches the card on and enables its queue.
    pub fn new(client: Client) -> Self {
        let memory = SharedMemory::create("raw-client", 1 << 16).unwrap();
        client.map(IOVA, 1 << 16, memory.as_fd(), 0).unwrap();
        client.write(region::CONFIG, COMMAND, &[6, 0]).unwrap();
        let vector = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap();
        client.set_interrupts(irq::MSIX, &[vector.as_fd()]).unwrap();
        write(&client, registers::SUBMIT_BASE_LO, IOVA as u32);
        write(&client, registers::COMPLETE_BASE_LO, (IOVA + COMPLETE) as u32);
        write(&client, registers::RING_LOG2, LOG2);
        write(&client, registers::INT_ENABLE, 1);
        write(&client, registers::CONTROL, fields::CONTROL::ENABLE.mask());
        Self { client, memory, vector, submitted: 0, completed: 0 }
    }

    /// The bus address of byte `offset` of the data.
    pub fn data(&self, offset: u64) -> u64 {
        IOVA + DATA + offset
    }

    pub fn write_data(&self, bytes: &[u8]) {
        self.memory.write(DATA, bytes).unwrap();
    }

    pub fn read_data(&self, bytes: usize) -> Vec<u8> {
        let mut to = vec![0; bytes];
        self.memory.read(DATA, &mut to).unwrap();
        to
    }

    /// Rings the doorbell for jobs and does not wait for them.
    pub fn submit(&mut self, jobs: &[Descriptor]) {
        for job in jobs {
            let slot = u64::from(ring::slot(self.submitted, LOG2));
            self.memory.write(slot * Descriptor::BYTES as u64, &job.to_bytes()).unwrap();
            self.submitted = self.submitted.wrapping_add(1);
        }
        write(&self.client, registers::DOORBELL_SUBMIT, self.submitted.into());
    }

    /// The next record, once it is there.
    pub fn next(&mut self) -> Option<Completion> {
        let at = COMPLETE + u64::from(ring::slot(self.completed, LOG2)) * Completion::BYTES as u64;
        // The word with the phase first.
        self.memory.load(at + Completion::LAST_WORD as u64, Ordering::Acquire).unwrap();
        let mut bytes = [0; Completion::BYTES];
        self.memory.read(at, &mut bytes).unwrap();
        let record = Completion::from_bytes(&bytes);
        let new = record.is_new(self.completed, LOG2);
        self.completed = self.completed.wrapping_add(new.into());
        new.then_some(record)
    }

    /// Waits for the next record, and reads no interrupt.
    pub fn wait(&mut self) -> Completion {
        let begin = Instant::now();
        loop {
            if let Some(record) = self.next() {
                return record;
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "no record comes");
            std::thread::sleep(Duration::from_micros(100));
        }
    }

    /// Waits until the card works on no job.
    pub fn settle(&self) {
        let begin = Instant::now();
        while fields::STATUS::BUSY.get(read(&self.client, registers::STATUS)) == 1 {
            assert!(begin.elapsed() < Duration::from_secs(60), "a job does not end");
        }
    }

    /// Tells the card which records have been read.
    pub fn acknowledge(&self) {
        write(&self.client, registers::DOORBELL_COMPLETE, self.completed.into());
        write(&self.client, registers::INT_STATUS, 1);
    }

    /// How many interrupts the eventfd has got since the last call, waiting some time for the
    /// first.
    pub fn heard(&self, time: Duration) -> u64 {
        let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() };
        let mut count = [0; 8];
        match poll(&mut [PollFd::new(&self.vector, PollFlags::IN)], Some(&time)) {
            Ok(1) if rustix::io::read(&self.vector, &mut count) == Ok(8) => u64::from_ne_bytes(count),
            _ => 0,
        }
    }
}
