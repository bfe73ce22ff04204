//! A fake card. It ends each job at once, either well or with a mistake that the test chose.
#![allow(unreachable_pub, dead_code, clippy::unwrap_used)]

mod engine;
mod transport;

use std::collections::{HashMap, VecDeque};
use std::os::fd::OwnedFd;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};

use lockstep_accel_abi::registers::{self, fields};
use lockstep_accel_abi::{Completion, Descriptor, PCI_DEVICE, PCI_VENDOR, Status, codes, ring};
use lockstep_accel_driver::Card;

#[allow(unused_imports)] // Each test uses a part.
pub use engine::{LANES, Memories, expected};

/// What the fake card does with a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The card does the job and writes a record with the status that it has then.
    Works,
    /// The card does nothing and writes a record with this status.
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
    /// What to do with the next jobs. All later jobs work.
    pub fates: VecDeque<Fate>,
    /// What to do with the next programs; copies and other jobs do not count.
    pub run_fates: VecDeque<Fate>,
    /// The driver's calls, in order.
    pub log: Vec<String>,
    /// The card raises no interrupts.
    pub deaf: bool,
    /// The card keeps its jobs until the test lets it go on.
    pub held: bool,
    /// The card does not become ready after a reset.
    pub dead: bool,
    pub gone: bool,
    /// This byte of card memory does not keep what is copied to it.
    pub rotten: Option<usize>,
    /// How often the driver read or wrote a register.
    pub accesses: u64,
    /// How many jobs ended, by opcode.
    pub ended: [u64; 5],
    /// The largest number of jobs that waited at once.
    pub most: usize,
    memories: Memories,
    vectors: Vec<OwnedFd>,
    recall: Option<OwnedFd>,
    consumer: u16,
    produced: u16,
    /// The driver has read all records before this index.
    acknowledged: u16,
    /// Jobs without a record, the oldest first.
    waiting: VecDeque<(Descriptor, Fate)>,
}

/// Access to the fake card. Clones reach the same card.
#[derive(Clone, Debug, Default)]
pub struct Fake(Arc<Mutex<State>>);

impl Fake {
    /// A card with 1 MiB of card memory.
    pub fn new() -> Self {
        Self::with_memory(1 << 20)
    }

    pub fn with_memory(bytes: usize) -> Self {
        let fake = Self::default();
        {
            let mut state = fake.state();
            for (i, byte) in
                (u32::from(PCI_DEVICE) << 16 | u32::from(PCI_VENDOR)).to_le_bytes().into_iter().enumerate()
            {
                state.config.insert(i as u64, byte);
            }
            state.memories.card = vec![0; bytes];
            state.registers.extend([
                (registers::ID, codes::ID_VALUE),
                (registers::VERSION, codes::INTERFACE_VERSION),
                (registers::CAP_ARRAY, (LANES << 16 | LANES) as u32),
                (registers::CAP_LIMITS, 1024 << 16 | 512),
                (registers::CAP_VECTORS, u32::MAX),
                (registers::CAP_BUFFERS, u32::MAX),
                (registers::CAP_OPERANDS, u32::MAX),
                (registers::CAP_QUEUE, 10),
                (registers::CAP_PROGRAM, 256 << 16 | 2),
                (registers::CAP_CARD_BYTES_LO, bytes as u32),
            ]);
        }
        fake
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn fates(&self, fates: &[Fate]) {
        self.state().fates = fates.iter().copied().collect();
    }

    pub fn run_fates(&self, fates: &[Fate]) {
        self.state().run_fates = fates.iter().copied().collect();
    }

    /// Lets a card that keeps its jobs go on.
    pub fn release(&self) {
        let mut state = self.state();
        state.held = false;
        state.go_on();
    }

    /// The system recalls the card.
    pub fn recall(&self) {
        rustix::io::write(self.state().recall.as_ref().unwrap(), &1_u64.to_ne_bytes()).unwrap();
    }

    /// How many entries of the log contain a word.
    pub fn logged(&self, word: &str) -> usize {
        self.state().log.iter().filter(|line| line.contains(word)).count()
    }
}

impl State {
    /// What a reset does: the queue is off and all jobs are lost. Card memory is filled with a byte
    /// that no test wrote.
    pub fn forget(&mut self) {
        self.registers.insert(registers::STATUS, 0);
        (self.consumer, self.produced, self.acknowledged) = (0, 0, 0);
        self.waiting.clear();
        self.memories.card.fill(0xee);
    }

    /// Whether the queue takes descriptors.
    pub fn ready(&self) -> bool {
        self.registers.get(&registers::STATUS) == Some(&fields::STATUS::READY.mask())
    }

    fn bases(&self) -> (u64, u64, u32) {
        let long = |low: u32| u64::from(self.registers[&(low + 4)]) << 32 | u64::from(self.registers[&low]);
        (
            long(registers::SUBMIT_BASE_LO),
            long(registers::COMPLETE_BASE_LO),
            self.registers[&registers::RING_LOG2],
        )
    }

    /// The card halts: only a reset helps.
    fn halt(&mut self) {
        self.registers.insert(registers::STATUS, fields::STATUS::HALTED.mask());
        self.registers.insert(registers::ERROR_STATUS, 0x20);
    }

    fn submitted(&mut self, producer: u16) {
        let (base, _, log2) = self.bases();
        while self.consumer != producer {
            let Some((iova, memory)) = self.memories.host() else { return self.halt() };
            let at = base - iova + u64::from(ring::slot(self.consumer, log2)) * Descriptor::BYTES as u64;
            let mut bytes = [0; Descriptor::BYTES];
            memory.read(at, &mut bytes).unwrap();
            let job = Descriptor::from_bytes(&bytes);
            let fates = if engine::is_program(&job) { &mut self.run_fates } else { &mut self.fates };
            let fate = fates.pop_front().unwrap_or(Fate::Works);
            self.waiting.push_back((job, fate));
            self.consumer = self.consumer.wrapping_add(1);
        }
        self.most = self.most.max(self.waiting.len());
        self.go_on();
    }

    /// Ends jobs until one does not end or the completion ring is full.
    fn go_on(&mut self) {
        while let Some(&(job, fate)) = self.waiting.front() {
            let log2 = self.registers[&registers::RING_LOG2];
            if self.held || ring::used(self.produced, self.acknowledged) == 1 << log2 {
                return;
            }
            match fate {
                Fate::Works => {
                    let status = self.memories.work(&job);
                    if let Some(at) = self.rotten {
                        self.memories.card[at] = 0x55;
                    }
                    self.record(job.tag, status as u8);
                }
                Fate::Ends(status) => self.record(job.tag, status as u8),
                Fate::WrongTag => self.record(job.tag ^ 1, 0),
                Fate::NoStatus => self.record(job.tag, 200),
                Fate::Hangs | Fate::Ignores => return,
                Fate::Halts => return self.halt(),
                Fate::Vanishes => {
                    self.gone = true;
                    return;
                }
            }
            self.ended[usize::from(job.opcode)] += 1;
            self.waiting.pop_front();
        }
    }

    fn record(&mut self, tag: u16, status: u8) {
        let (_, base, log2) = self.bases();
        let record =
            Completion { tag, status, flags: ring::phase(self.produced, log2), ..Completion::default() };
        let bytes = record.to_bytes();
        let Some((iova, memory)) = self.memories.host() else { return self.halt() };
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

/// The statuses of jobs that do nothing.
pub fn statuses(card: &mut Card<Fake>, jobs: usize) -> Vec<Status> {
    let outcomes = card.execute(&vec![Descriptor::nop(0); jobs]).unwrap();
    outcomes.iter().map(|outcome| outcome.status).collect()
}
