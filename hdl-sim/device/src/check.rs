//! Compares the results of the RTL with those of the functional model, job by job.
//!
//! The checker looks at the card's DMA. The card reads descriptors in order and writes their
//! records in order, so a record belongs to the oldest descriptor without one. Before a record
//! reaches the client, the model runs the same program on the same inputs. It reads inputs only
//! then: a job whose results overwrite its own inputs is reported as different.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lockstep_accel_abi::registers::{self, fields};
use lockstep_accel_abi::{Completion, Descriptor, EngineError, Opcode, Status};
use lockstep_accel_model::{Engine, Failure, Fault, Job, Memories};
use lockstep_hdl_sim::{Memory, SharedMemory, Storage};

/// Differences that are printed for each job.
const PRINTED: usize = 10;

/// What has been compared so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    jobs: AtomicU64,
    differences: AtomicU64,
}

impl Tally {
    /// Jobs that were compared, and how many of them differ.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.jobs.load(Ordering::Acquire), self.differences.load(Ordering::Acquire))
    }
}

/// A ring: its address and its entries.
#[derive(Clone, Copy, Debug, Default)]
struct Ring {
    base: u64,
    bytes: u64,
}

impl Ring {
    /// The place of an address in the ring.
    fn place(&self, address: u64) -> Option<u64> {
        address.checked_sub(self.base).filter(|&place| place < self.bytes)
    }
}

/// The model beside the RTL.
pub(crate) struct Checker {
    engine: Engine,
    card: SharedMemory,
    tally: Arc<Tally>,
    bases: [u64; 2],
    log2: u32,
    locked: bool,
    /// Bytes of a descriptor that has been read in part, then whole descriptors.
    partial: Vec<u8>,
    descriptors: VecDeque<Descriptor>,
}

impl Checker {
    pub(crate) fn new(lanes: usize, card: SharedMemory, tally: Arc<Tally>) -> Self {
        Self {
            engine: Engine::new(lanes),
            card,
            tally,
            bases: [0; 2],
            log2: 0,
            locked: false,
            partial: Vec::new(),
            descriptors: VecDeque::new(),
        }
    }

    /// A write of the client to a register.
    pub(crate) fn register(&mut self, register: u32, value: u32) {
        let low = |base: u64| base & !u64::from(u32::MAX) | u64::from(value);
        let high = |base: u64| base & u64::from(u32::MAX) | u64::from(value) << 32;
        let [submit, complete] = &mut self.bases;
        match register {
            registers::CONTROL if fields::CONTROL::RESET.get(value) == 1 => {
                (self.bases, self.log2, self.locked) = ([0; 2], 0, false);
                self.partial.clear();
                self.descriptors.clear();
            }
            registers::CONTROL => self.locked |= fields::CONTROL::ENABLE.get(value) == 1,
            _ if self.locked => {}
            registers::SUBMIT_BASE_LO => *submit = low(*submit),
            registers::SUBMIT_BASE_HI => *submit = high(*submit),
            registers::COMPLETE_BASE_LO => *complete = low(*complete),
            registers::COMPLETE_BASE_HI => *complete = high(*complete),
            registers::RING_LOG2 => self.log2 = value.min(16),
            _ => {}
        }
    }

    fn ring(&self, ring: usize, entry: usize) -> Ring {
        Ring { base: self.bases[ring], bytes: (entry as u64) << self.log2 }
    }

    /// The card has read host memory.
    pub(crate) fn has_read(&mut self, address: u64, bytes: &[u8]) {
        if self.locked && self.ring(0, Descriptor::BYTES).place(address).is_some() {
            self.partial.extend_from_slice(bytes);
            while let Some((whole, rest)) = self.partial.split_first_chunk::<{ Descriptor::BYTES }>() {
                self.descriptors.push_back(Descriptor::from_bytes(whole));
                self.partial = rest.to_vec();
            }
        }
    }

    /// The card is about to write host memory: the last word of a record ends a job.
    pub(crate) fn writes(
        &mut self,
        host: &dyn Storage,
        address: u64,
        bytes: &[u8],
        strobe: &dyn Fn(usize) -> bool,
    ) {
        if !self.locked {
            return;
        }
        let records = self.ring(1, Completion::BYTES);
        let size = Completion::BYTES as u64;
        for (i, _) in bytes.iter().enumerate().filter(|(i, _)| strobe(*i)) {
            let at = address.wrapping_add(i as u64);
            let Some(place) = records.place(at).filter(|place| place % size == size - 1) else { continue };
            let first = records.base + place - (size - 1);
            let mut record = [0; Completion::BYTES];
            if host.read_into(first, &mut record).is_err() {
                continue;
            }
            // What this write brings is not in memory yet.
            for (to, at) in record.iter_mut().zip(first..) {
                let new = at
                    .checked_sub(address)
                    .and_then(|j| bytes.get(j as usize).filter(|_| strobe(j as usize)));
                *to = new.copied().unwrap_or(*to);
            }
            let record = Completion::from_bytes(&record);
            if record.outcome() == Ok(Status::DescriptorRead) {
                self.partial.clear();
            } else if let Some(descriptor) = self.descriptors.pop_front() {
                self.compare(host, &descriptor, &record);
            }
        }
    }

    /// Runs a job on the model and prints how the RTL differs.
    fn compare(&mut self, host: &dyn Storage, d: &Descriptor, record: &Completion) {
        if d.opcode != Opcode::Run as u8 || record.tag != d.tag {
            return;
        }
        let Ok(error) = record.engine_error() else { return };
        // Errors of the buses, aborts and refusals are not the program's.
        let own = [EngineError::None, EngineError::IllegalInstruction, EngineError::BadInput];
        let worked = record.outcome() == Ok(Status::Ok) || error != EngineError::None;
        if !own.contains(&error) || !worked {
            return;
        }
        let card = self.card.borrow();
        let mut seen = Seen { card: &card, host, written: Vec::new() };
        let job = Job {
            program: d.card_address,
            length: d.program_length as u16,
            runs: d.runs,
            input: (d.host_address, d.input_stride),
            output: (d.output_address, d.output_stride),
        };
        let done = self.engine.run(&job, &mut seen, &|| false);
        let expected = done.result.map_or_else(Failure::error, |()| EngineError::None);
        let mut differences = Vec::new();
        if expected != error {
            differences.push(format!("the RTL ends with {error:?}, the model with {expected:?}"));
        } else if error == EngineError::None {
            for (vector, (address, result)) in seen.written.iter().enumerate() {
                differences.extend(elements(host, vector, *address, result));
            }
        }
        let number = self.tally.jobs.fetch_add(1, Ordering::AcqRel) + 1;
        if !differences.is_empty() {
            self.tally.differences.fetch_add(1, Ordering::AcqRel);
            for difference in differences.iter().take(PRINTED) {
                eprintln!("lockstep-card: job {number}, tag {}: {difference}", d.tag);
            }
            if differences.len() > PRINTED {
                eprintln!("lockstep-card: job {number}: {} differences in all", differences.len());
            }
        }
    }
}

/// The elements of a vector in which host memory differs from the model's result.
fn elements(host: &dyn Storage, vector: usize, address: u64, result: &[u8]) -> Vec<String> {
    let mut found = vec![0; result.len()];
    if host.read_into(address, &mut found).is_err() {
        return vec![format!("vector {vector}: its results cannot be read")];
    }
    let pairs = found.as_chunks::<4>().0.iter().zip(result.as_chunks::<4>().0).enumerate();
    let differ = pairs.filter(|(_, (rtl, model))| rtl != model);
    let print = |(element, (rtl, model)): (usize, (&[u8; 4], &[u8; 4]))| {
        let [rtl, model] = [rtl, model].map(|bytes| i32::from_le_bytes(*bytes));
        format!("vector {vector}, element {element}: {rtl} of the RTL, {model} of the model")
    };
    differ.map(print).collect()
}

/// The memories of a job whose results stay here.
struct Seen<'a> {
    card: &'a Memory,
    host: &'a dyn Storage,
    written: Vec<(u64, Vec<u8>)>,
}

impl Memories for Seen<'_> {
    fn card(&self, address: u64, bytes: usize) -> Result<&[u8], Fault> {
        self.card.read(address, bytes).map_err(|_| Fault { address })
    }

    fn read_host(&mut self, address: u64, to: &mut [u8]) -> Result<(), Fault> {
        self.host.read_into(address, to).map_err(|_| Fault { address })
    }

    fn write_host(&mut self, address: u64, from: &[u8]) -> Result<(), Fault> {
        self.written.push((address, from.to_vec()));
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use lockstep_accel_abi::instructions::{End, Instruction, Kind, Pass};

    use super::*;

    const SUBMIT: u64 = 0x1000;
    const COMPLETE: u64 = 0x2000;
    const OUTPUT: u64 = 0x3000;

    /// A program that pools two channels of memory V after power-up, which are zeros.
    fn bench() -> (Checker, Memory, Arc<Tally>) {
        let pool = Pass { kind: Kind::Pool, length: 2, lanes: 8, ..Pass::default() };
        let program = [Instruction::from(pool), End {}.into()].map(|i| i.to_bytes().unwrap()).concat();
        let mut card = vec![0; 4096];
        card[..64].copy_from_slice(&program);
        let tally = Arc::new(Tally::default());
        let mut checker = Checker::new(8, Memory::new(0, card).share(), tally.clone());
        checker.register(registers::SUBMIT_BASE_LO, SUBMIT as u32);
        checker.register(registers::COMPLETE_BASE_LO, COMPLETE as u32);
        checker.register(registers::RING_LOG2, 2);
        checker.register(registers::CONTROL, 1);
        (checker, Memory::new(SUBMIT, vec![0; 0x3000]), tally)
    }

    /// A job whose RTL leaves `result` and an `error`.
    fn job(checker: &mut Checker, host: &mut Memory, tag: u16, result: [i32; 2], error: EngineError) {
        let run = Descriptor {
            opcode: Opcode::Run as u8,
            tag,
            program_length: 2,
            output_address: OUTPUT,
            runs: 1,
            ..Descriptor::default()
        };
        for (at, beat) in (SUBMIT..).step_by(8).zip(run.to_bytes().as_chunks::<8>().0) {
            checker.has_read(at, beat);
        }
        host.poke(OUTPUT, result.map(i32::to_le_bytes).as_flattened());
        let status = if error == EngineError::None { Status::Ok } else { Status::BadInput };
        let record = Completion { tag, status: status as u8, detail: error as u32, ..Completion::default() };
        let entry = COMPLETE + u64::from(tag % 4) * Completion::BYTES as u64;
        for (at, beat) in (entry..).step_by(8).zip(record.to_bytes().as_chunks::<8>().0) {
            checker.writes(host, at, beat, &|_| true);
            host.poke(at, beat);
        }
    }

    #[test]
    fn another_number_and_another_error_are_counted() {
        let (mut checker, mut host, tally) = bench();
        for (tag, result, error, counts) in [
            (1, [0, 0], EngineError::None, (1, 0)),
            (2, [0, 5], EngineError::None, (2, 1)),
            (3, [0, 0], EngineError::BadInput, (3, 2)),
            // Aborts are not the program's.
            (4, [0, 0], EngineError::Aborted, (3, 2)),
            (5, [0, 0], EngineError::None, (4, 2)),
        ] {
            job(&mut checker, &mut host, tag, result, error);
            assert_eq!(tally.counts(), counts, "job {tag}");
        }
        assert_eq!(
            elements(&host, 3, OUTPUT, &[0, 0, 0, 0, 7, 0, 0, 0]),
            ["vector 3, element 1: 0 of the RTL, 7 of the model"]
        );
        // A reset drops what the card has read.
        checker.has_read(SUBMIT, &[1; 8]);
        checker.register(registers::CONTROL, 2);
        assert!(checker.partial.is_empty() && checker.descriptors.is_empty());
    }
}
