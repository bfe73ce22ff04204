//! A fake card. It ends each job at once, either well or with a mistake that the test chose.
#![allow(unreachable_pub, clippy::unwrap_used)]

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::sync::atomic::Ordering;

use lockstep_accel_abi::registers::{self, fields};
use lockstep_accel_abi::{ALL_ONES, Completion, Descriptor, PCI_DEVICE, PCI_VENDOR, Status, codes, ring};
use lockstep_accel_driver::{Transport, TransportError};
use lockstep_accel_memory::SharedMemory;

/// What the fake card does with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The card writes a record with this status.
    Ends(Status),
    /// The card writes a record with the tag of another job.
    WrongTag,
    /// The card writes a record with a status that does not exist.
    NoStatus,
    /// The job ends only when the driver aborts it.
    Hangs,
    /// The job never ends, and the card ignores the abort.
    Ignores,
    /// The card halts.
    Halts,
    /// All registers read as ones from now on.
    Vanishes,
}

/// The state of the fake card.
#[derive(Debug, Default)]
pub struct State {
    pub registers: HashMap<u32, u32>,
    pub config: HashMap<u64, u8>,
    /// What to do with the next jobs. All later jobs end with status `Ok`.
    pub fates: VecDeque<Fate>,
    /// The driver's calls, in order.
    pub log: Vec<String>,
    /// The card raises no interrupts.
    pub deaf: bool,
    gone: bool,
    memory: Option<(u64, SharedMemory)>,
    vectors: Vec<OwnedFd>,
    consumer: u16,
    produced: u16,
    /// The driver has read all records before this index.
    acknowledged: u16,
    /// Jobs without a record, the oldest first.
    waiting: VecDeque<(u16, Fate)>,
}

/// Access to the fake card. Clones reach the same card.
#[derive(Clone, Debug, Default)]
pub struct Fake(pub Rc<RefCell<State>>);

impl Fake {
    pub fn new() -> Self {
        let fake = Self::default();
        {
            let mut state = fake.0.borrow_mut();
            for (i, byte) in
                (u32::from(PCI_DEVICE) << 16 | u32::from(PCI_VENDOR)).to_le_bytes().into_iter().enumerate()
            {
                state.config.insert(i as u64, byte);
            }
            state.registers.extend([
                (registers::ID, codes::ID_VALUE),
                (registers::VERSION, codes::INTERFACE_VERSION),
                (registers::CAP_ARRAY, 8 << 16 | 8),
                (registers::CAP_QUEUE, 10),
            ]);
        }
        fake
    }

    pub fn fates(&self, fates: &[Fate]) {
        self.0.borrow_mut().fates = fates.iter().copied().collect();
    }

    /// How many entries of the log contain a word.
    pub fn logged(&self, word: &str) -> usize {
        self.0.borrow().log.iter().filter(|line| line.contains(word)).count()
    }
}

impl State {
    fn bases(&self) -> (u64, u64, u32) {
        let long = |low: u32| u64::from(self.registers[&(low + 4)]) << 32 | u64::from(self.registers[&low]);
        (
            long(registers::SUBMIT_BASE_LO),
            long(registers::COMPLETE_BASE_LO),
            self.registers[&registers::RING_LOG2],
        )
    }

    fn submitted(&mut self, producer: u16) {
        let (base, _, log2) = self.bases();
        let (iova, memory) = self.memory.as_ref().unwrap();
        while self.consumer != producer {
            let at = base - iova + u64::from(ring::slot(self.consumer, log2)) * Descriptor::BYTES as u64;
            let mut bytes = [0; Descriptor::BYTES];
            memory.read(at, &mut bytes).unwrap();
            let fate = self.fates.pop_front().unwrap_or(Fate::Ends(Status::Ok));
            self.waiting.push_back((Descriptor::from_bytes(&bytes).tag, fate));
            self.consumer = self.consumer.wrapping_add(1);
        }
        self.go_on();
    }

    /// Ends jobs until one does not end or the completion ring is full.
    fn go_on(&mut self) {
        while let Some(&(tag, fate)) = self.waiting.front() {
            if ring::used(self.produced, self.acknowledged) == 1 << self.registers[&registers::RING_LOG2] {
                return;
            }
            match fate {
                Fate::Ends(status) => self.record(tag, status as u8),
                Fate::WrongTag => self.record(tag ^ 1, 0),
                Fate::NoStatus => self.record(tag, 200),
                Fate::Hangs | Fate::Ignores => return,
                Fate::Halts => {
                    self.registers.insert(registers::STATUS, fields::STATUS::HALTED.mask());
                    self.registers.insert(registers::ERROR_STATUS, 0x20);
                    return;
                }
                Fate::Vanishes => {
                    self.gone = true;
                    return;
                }
            }
            self.waiting.pop_front();
        }
    }

    fn record(&mut self, tag: u16, status: u8) {
        let (_, base, log2) = self.bases();
        let record =
            Completion { tag, status, flags: ring::phase(self.produced, log2), ..Completion::default() };
        let bytes = record.to_bytes();
        let (iova, memory) = self.memory.as_ref().unwrap();
        let at = base - iova + u64::from(ring::slot(self.produced, log2)) * Completion::BYTES as u64;
        let (first, last) = bytes.split_at(Completion::LAST_WORD);
        memory.write(at, first).unwrap();
        memory
            .store(at + first.len() as u64, u32::from_le_bytes(last.try_into().unwrap()), Ordering::Release)
            .unwrap();
        self.produced = self.produced.wrapping_add(1);
        if !self.deaf {
            rustix::io::write(&self.vectors[0], &1_u64.to_ne_bytes()).unwrap();
        }
    }
}

impl Transport for Fake {
    fn read_config(&self, offset: u64, to: &mut [u8]) -> Result<(), TransportError> {
        let state = self.0.borrow();
        (offset..).zip(to).for_each(|(at, byte)| *byte = state.config.get(&at).copied().unwrap_or(0));
        Ok(())
    }

    fn write_config(&self, offset: u64, from: &[u8]) -> Result<(), TransportError> {
        let mut state = self.0.borrow_mut();
        state.log.push(format!("config {offset} {from:?}"));
        Ok(())
    }

    fn read(&self, register: u32) -> Result<u32, TransportError> {
        let state = self.0.borrow();
        let value = state.registers.get(&register).copied().unwrap_or(0);
        Ok(if state.gone { ALL_ONES } else { value })
    }

    fn write(&self, register: u32, value: u32) -> Result<(), TransportError> {
        let mut state = self.0.borrow_mut();
        match register {
            registers::CONTROL => {
                let ready = fields::STATUS::READY.mask() * (value & fields::CONTROL::ENABLE.mask());
                state.registers.insert(registers::STATUS, ready);
            }
            registers::DOORBELL_SUBMIT => state.submitted(value as u16),
            registers::DOORBELL_COMPLETE => {
                state.acknowledged = value as u16;
                state.go_on();
            }
            registers::ABORT => {
                state.log.push(format!("abort {value}"));
                if state.waiting.front() == Some(&(value as u16, Fate::Hangs)) {
                    state.waiting[0].1 = Fate::Ends(Status::Aborted);
                    state.go_on();
                }
            }
            _ => {
                state.registers.insert(register, value);
            }
        }
        Ok(())
    }

    fn map(&self, iova: u64, memory: &SharedMemory) -> Result<(), TransportError> {
        let mut state = self.0.borrow_mut();
        state.log.push(format!("map {iova:#x}"));
        state.memory = Some((iova, SharedMemory::map(memory.file()?.into(), true)?));
        Ok(())
    }

    fn unmap(&self, iova: u64, _: &SharedMemory) -> Result<(), TransportError> {
        let mut state = self.0.borrow_mut();
        state.log.push(format!("unmap {iova:#x}"));
        state.memory = None;
        Ok(())
    }

    fn set_interrupts(&self, eventfds: &[BorrowedFd<'_>]) -> Result<(), TransportError> {
        self.0.borrow_mut().vectors = eventfds.iter().map(|fd| fd.try_clone_to_owned().unwrap()).collect();
        Ok(())
    }

    fn reset(&self) -> Result<(), TransportError> {
        let mut state = self.0.borrow_mut();
        state.log.push("reset".into());
        state.registers.insert(registers::STATUS, 0);
        (state.consumer, state.produced, state.acknowledged) = (0, 0, 0);
        state.waiting.clear();
        Ok(())
    }
}
