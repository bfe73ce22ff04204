//! The card: it does its jobs, or what the script says.

use std::collections::{HashMap, VecDeque};
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lockstep_accel_abi::codes::{ID_VALUE, INSTRUCTION_BYTES, INTERFACE_VERSION};
use lockstep_accel_abi::registers::{self as map, REGISTERS, fields};
use lockstep_accel_abi::{Completion, Descriptor, Opcode, PCI_DEVICE, PCI_VENDOR, Status, descriptor, ring};
use lockstep_accel_driver::{Transport, TransportError};
use lockstep_accel_memory::SharedMemory;

use crate::script::Script;

const LANES: u32 = 8;
const CARD_BYTES: usize = 1 << 16;
/// The opcode of the last instruction of a program.
const END: u8 = 8;

/// The vector that an honest card writes for a sequence. It depends on all tokens.
pub(super) fn vector(ids: &[u32], types: &[u8], hidden: usize) -> Vec<i32> {
    numbers(descriptor::inputs(ids, types), hidden)
}

fn numbers(inputs: impl Iterator<Item = u8>, hidden: usize) -> Vec<i32> {
    let hash = inputs.fold(1_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (0..hidden as i32).map(|j| (hash >> 8) as i32 + j).collect()
}

/// The card, and the script that it follows.
pub(super) struct HostileCard<'s>(Mutex<State<'s>>);

struct State<'s> {
    script: Script<'s>,
    honest: bool,
    /// The driver saw the usual capabilities when it opened the card.
    plain: bool,
    opened: bool,
    registers: HashMap<u32, u32>,
    /// What the registers were at the start.
    first: HashMap<u32, u32>,
    config: [u8; 8],
    card: Vec<u8>,
    host: Option<(u64, SharedMemory)>,
    jobs: VecDeque<Descriptor>,
    consumer: u16,
    producer: u16,
    /// Calls of the driver until the card disobeys one; 0 for never.
    fuse: u32,
}

impl<'s> HostileCard<'s> {
    pub(super) fn new(mut script: Script<'s>) -> Self {
        let mut first = HashMap::from([
            (map::ID, ID_VALUE),
            (map::VERSION, INTERFACE_VERSION),
            (map::CAP_ARRAY, LANES << 16 | LANES),
            (map::CAP_LIMITS, 1024 << 16 | 512),
            (map::CAP_VECTORS, u32::MAX),
            (map::CAP_BUFFERS, u32::MAX),
            (map::CAP_OPERANDS, u32::MAX),
            (map::CAP_QUEUE, 10),
            (map::CAP_PROGRAM, 256 << 16 | 2),
            (map::CAP_CARD_BYTES_LO, CARD_BYTES as u32),
        ]);
        let plain = !script.chance(48);
        if !plain {
            for _ in 0..=script.below(4) {
                first.insert(any_register(&mut script), script.number() as u32);
            }
        }
        let fuse = 2 * u32::from(script.byte());
        let ids = u32::from(PCI_DEVICE) << 16 | u32::from(PCI_VENDOR);
        let mut config = [0; 8];
        config[..4].copy_from_slice(&ids.to_le_bytes());
        Self(Mutex::new(State {
            script,
            honest: false,
            plain,
            opened: false,
            registers: first.clone(),
            first,
            config,
            card: vec![0; CARD_BYTES],
            host: None,
            jobs: VecDeque::new(),
            consumer: 0,
            producer: 0,
            fuse,
        }))
    }

    fn state(&self) -> MutexGuard<'_, State<'s>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The driver has opened the card. Returns whether it saw the usual capabilities.
    pub(super) fn opened(&self) -> bool {
        let mut state = self.state();
        state.opened = true;
        state.plain
    }

    pub(super) fn is_honest(&self) -> bool {
        let state = self.state();
        state.honest || state.script.is_over()
    }

    /// From now on the card obeys. Jobs that it forgot stay forgotten.
    pub(super) fn become_honest(&self) {
        let State { honest, registers, first, .. } = &mut *self.state();
        *honest = true;
        for register in REGISTERS.iter().map(|register| register.offset) {
            if !is_of_the_rings(register) && register != map::STATUS {
                registers.insert(register, first.get(&register).copied().unwrap_or(0));
            }
        }
    }

    /// Does the jobs that wait. Returns whether an interrupt came.
    pub(super) fn work(&self) -> bool {
        let mut state = self.state();
        let mut any = false;
        while let Some(job) = state.jobs.pop_front() {
            state.job(&job);
            any = true;
        }
        any
    }

    /// Does what the script says. Returns whether an interrupt comes, how much time goes by, and
    /// whether a caller goes away.
    pub(super) fn act(&self) -> (bool, Duration, bool) {
        let mut state = self.state();
        for _ in 0..state.script.below(4) {
            state.act();
        }
        let heard = !state.script.chance(96);
        let patience = match state.script.byte() {
            0..=159 => Duration::from_micros(10),
            160..=223 => Duration::from_millis(21),
            224..=247 => Duration::from_millis(600),
            _ => Duration::from_secs(40),
        };
        (heard, patience, state.script.chance(6))
    }
}

impl State<'_> {
    fn act(&mut self) {
        match self.script.below(16) {
            0..=7 => {
                if let Some(job) = self.jobs.pop_front() {
                    self.job(&job);
                }
            }
            8 => drop(self.jobs.pop_front()),
            9 => {
                let (tag, status) = (self.script.short(), self.script.byte());
                self.record(tag, status);
            }
            10 => {
                let job = self.jobs.pop_front().unwrap_or_default();
                let status = self.script.pick(&[0, 11, 12, 13, 14, 9, 16, 15, 10, 3]);
                self.record(job.tag, status);
            }
            11 => {
                let register = any_register(&mut self.script);
                self.registers.insert(register, self.script.number() as u32);
            }
            12 => {
                self.registers.insert(map::STATUS, u32::MAX);
            }
            13 => {
                self.registers.insert(map::STATUS, fields::STATUS::HALTED.mask());
            }
            14 => self.scribble(),
            _ => {
                let at = self.script.below(CARD_BYTES);
                self.card[at] ^= 1 + (self.script.byte() & 127);
            }
        }
    }

    /// Writes anything anywhere in the driver's memory.
    fn scribble(&mut self) {
        let Some((_, memory)) = &self.host else { return };
        let at = self.script.below(memory.size()) as u64;
        let bytes = self.script.bytes(40);
        let bytes = &bytes[..bytes.len().min(memory.size() - at as usize)];
        memory.write(at, bytes).expect("inside");
    }

    /// Does a job and writes its record.
    fn job(&mut self, job: &Descriptor) {
        let status = match Opcode::try_from(job.opcode).expect("an opcode of the driver") {
            Opcode::Nop => Status::Ok,
            Opcode::Run => self.run(job),
            Opcode::CopyToCard | Opcode::CopyFromCard => self.copy(job),
        };
        self.record(job.tag, status as u8);
    }

    fn copy(&mut self, job: &Descriptor) -> Status {
        let Some((iova, memory)) = &self.host else { return Status::HostRead };
        let at = job.card_address as usize;
        // A card that lied about its size cannot do all jobs.
        let Some(card) = self.card.get_mut(at..at.saturating_add(job.bytes as usize)) else {
            return Status::CardRange;
        };
        let host = job.host_address - iova;
        if job.opcode == Opcode::CopyToCard as u8 {
            memory.read(host, card).expect("checked at the doorbell");
        } else {
            memory.write(host, card).expect("checked at the doorbell");
        }
        Status::Ok
    }

    fn run(&self, job: &Descriptor) -> Status {
        let Some((iova, memory)) = &self.host else { return Status::HostRead };
        let bytes = job.program_length as usize * INSTRUCTION_BYTES as usize;
        let at = job.card_address as usize;
        let Some(program) = self.card.get(at..at.saturating_add(bytes)) else { return Status::CardRange };
        if self.honest {
            assert_eq!(program[bytes - INSTRUCTION_BYTES as usize], END, "a whole program");
        }
        for run in 0..u64::from(job.runs) {
            let mut inputs = vec![0; 4 * usize::from(job.tokens)];
            let host = job.host_address - iova + run * u64::from(job.input_stride);
            memory.read(host, &mut inputs).expect("checked at the doorbell");
            let words = numbers(inputs.into_iter(), job.hidden.into());
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            let host = job.output_address - iova + run * u64::from(job.output_stride);
            memory.write(host, &bytes).expect("checked at the doorbell");
        }
        Status::Ok
    }

    fn long(&self, low: u32) -> u64 {
        let register = |at| u64::from(self.registers.get(&at).copied().unwrap_or(0));
        register(low + 4) << 32 | register(low)
    }

    fn record(&mut self, tag: u16, status: u8) {
        let Some((iova, memory)) = &self.host else { return };
        let log2 = self.registers.get(&map::RING_LOG2).copied().unwrap_or(0).min(10);
        let flags = ring::phase(self.producer, log2);
        let record = Completion { tag, status, flags, ..Completion::default() };
        let slot = u64::from(ring::slot(self.producer, log2)) * Completion::BYTES as u64;
        let at = self.long(map::COMPLETE_BASE_LO).wrapping_sub(*iova).wrapping_add(slot);
        memory.write(at, &record.to_bytes()).expect("the ring is in the driver's memory");
        self.producer = self.producer.wrapping_add(1);
    }

    /// Reads the descriptors before a producer index. The driver has just written them, so they are
    /// as the driver meant them.
    fn doorbell(&mut self, producer: u16) {
        let Some((iova, memory)) = &self.host else { return };
        let log2 = self.registers.get(&map::RING_LOG2).copied().unwrap_or(0).min(10);
        while self.consumer != producer && self.jobs.len() < 1 << log2 {
            let slot = u64::from(ring::slot(self.consumer, log2)) * Descriptor::BYTES as u64;
            let at = self.long(map::SUBMIT_BASE_LO).wrapping_sub(*iova).wrapping_add(slot);
            let mut bytes = [0; Descriptor::BYTES];
            memory.read(at, &mut bytes).expect("the ring is in the driver's memory");
            let job = Descriptor::from_bytes(&bytes);
            assert!(fits(&job, *iova, memory.size() as u64), "outside of the driver's memory: {job:?}");
            self.jobs.push_back(job);
            self.consumer = self.consumer.wrapping_add(1);
        }
    }

    /// Counts a call of the driver. Whether the card disobeys this one; an error if it fails.
    fn disobeys(&mut self) -> Result<bool, TransportError> {
        if self.honest || self.fuse == 0 {
            return Ok(false);
        }
        self.fuse -= 1;
        if self.fuse > 0 {
            return Ok(false);
        }
        self.fuse = 2 * u32::from(self.script.byte());
        if self.script.chance(64) { Err("the script says so".into()) } else { Ok(true) }
    }
}

/// A register that the driver reads. The card keeps those that it writes: else it would look for
/// descriptors where none are.
fn any_register(script: &mut Script<'_>) -> u32 {
    let register = script.pick(REGISTERS).offset;
    if is_of_the_rings(register) { map::STATUS } else { register }
}

const fn is_of_the_rings(register: u32) -> bool {
    matches!(
        register,
        map::SUBMIT_BASE_LO
            | map::SUBMIT_BASE_HI
            | map::COMPLETE_BASE_LO
            | map::COMPLETE_BASE_HI
            | map::RING_LOG2
    )
}

/// Whether all addresses of a job are inside the driver's memory.
fn fits(job: &Descriptor, iova: u64, size: u64) -> bool {
    let inside = |address: u64, bytes: u64| {
        let at = address.checked_sub(iova);
        at.and_then(|at| at.checked_add(bytes)).is_some_and(|end| end <= size)
    };
    let all = |stride: u32, one: u64| u64::from(job.runs.max(1) - 1) * u64::from(stride) + one;
    let (tokens, hidden) = (4 * u64::from(job.tokens), 4 * u64::from(job.hidden));
    match Opcode::try_from(job.opcode) {
        Ok(Opcode::Nop) => true,
        Ok(Opcode::Run) => {
            inside(job.host_address, all(job.input_stride, tokens))
                && inside(job.output_address, all(job.output_stride, hidden))
        }
        Ok(_) => inside(job.host_address, job.bytes.into()),
        Err(_) => false,
    }
}

impl Transport for HostileCard<'_> {
    fn read_config(&self, offset: u64, to: &mut [u8]) -> Result<(), TransportError> {
        let mut state = self.state();
        state.disobeys()?;
        let config = state.config.get(offset as usize..).unwrap_or_default();
        to.iter_mut().zip(config).for_each(|(to, from)| *to = *from);
        Ok(())
    }

    fn write_config(&self, _: u64, _: &[u8]) -> Result<(), TransportError> {
        self.state().disobeys().map(drop)
    }

    fn read(&self, register: u32) -> Result<u32, TransportError> {
        let mut state = self.state();
        if state.disobeys()? {
            state.plain &= state.opened;
            return Ok(state.script.number() as u32);
        }
        Ok(state.registers.get(&register).copied().unwrap_or(0))
    }

    fn write(&self, register: u32, value: u32) -> Result<(), TransportError> {
        let mut state = self.state();
        let disobeys = state.disobeys()?;
        match register {
            map::DOORBELL_SUBMIT => state.doorbell(value as u16),
            map::CONTROL => {
                let ready = if disobeys { 0 } else { fields::STATUS::READY.mask() };
                state.registers.insert(map::STATUS, ready);
            }
            map::ABORT => {
                if !disobeys && let Some(job) = state.jobs.pop_front_if(|job| u32::from(job.tag) == value) {
                    state.record(job.tag, Status::Aborted as u8);
                }
            }
            _ => {
                state.registers.insert(register, value);
            }
        }
        Ok(())
    }

    fn map(&self, iova: u64, memory: &SharedMemory) -> Result<(), TransportError> {
        let mut state = self.state();
        state.disobeys()?;
        state.host = Some((iova, SharedMemory::map(memory.file()?.into(), true)?));
        Ok(())
    }

    fn unmap(&self, _: u64, _: &SharedMemory) -> Result<(), TransportError> {
        self.state().host = None;
        Ok(())
    }

    fn set_interrupts(&self, _: &[BorrowedFd<'_>]) -> Result<(), TransportError> {
        self.state().disobeys().map(drop)
    }

    fn reset(&self) -> Result<(), TransportError> {
        let mut state = self.state();
        state.disobeys()?;
        state.registers.insert(map::STATUS, 0);
        (state.consumer, state.producer) = (0, 0);
        state.jobs.clear();
        Ok(())
    }
}
