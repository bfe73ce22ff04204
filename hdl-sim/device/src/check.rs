//! Compares the results of the RTL with those of the functional model, job by job.
//!
//! Before a record reaches the client, the model runs the same program on the same inputs. It reads
//! inputs only then: a job whose results overwrite its own inputs is reported as different.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lockstep_accel_abi::{Completion, Descriptor, EngineError, Opcode, Status};
use lockstep_accel_model::{Engine, Failure, Fault, Memories};
use lockstep_hdl_sim::{Memory, SharedMemory, Storage};

use crate::program::job_of;

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

/// The model beside the RTL.
pub(crate) struct Checker {
    engine: Engine,
    card: SharedMemory,
    tally: Arc<Tally>,
}

impl Checker {
    pub(crate) fn new(lanes: usize, card: SharedMemory, tally: Arc<Tally>) -> Self {
        Self { engine: Engine::new(lanes), card, tally }
    }

    /// Runs a job on the model and prints how the RTL differs.
    pub(crate) fn compare(&mut self, host: &dyn Storage, d: &Descriptor, record: &Completion) {
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
        let done = self.engine.run(&job_of(d), &mut seen, &|| false);
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

    const OUTPUT: u64 = 0x3000;

    /// A program that pools two channels of memory V after power-up, which are zeros.
    fn bench() -> (Checker, Memory, Arc<Tally>) {
        let pool = Pass { kind: Kind::Pool, length: 2, lanes: 8, ..Pass::default() };
        let program = [Instruction::from(pool), End {}.into()].map(|i| i.to_bytes().unwrap()).concat();
        let mut card = vec![0; 4096];
        card[..64].copy_from_slice(&program);
        let tally = Arc::new(Tally::default());
        let checker = Checker::new(8, Memory::new(0, card).share(), tally.clone());
        (checker, Memory::new(0, vec![0; 0x4000]), tally)
    }

    #[test]
    fn another_number_and_another_error_are_counted() {
        let (mut checker, mut host, tally) = bench();
        let run = Descriptor {
            opcode: Opcode::Run as u8,
            program_length: 2,
            output_address: OUTPUT,
            runs: 1,
            ..Descriptor::default()
        };
        for (number, error, counts) in [
            (0, EngineError::None, (1, 0)),
            (5, EngineError::None, (2, 1)),
            (0, EngineError::BadInput, (3, 2)),
            // Aborts are not the program's.
            (0, EngineError::Aborted, (3, 2)),
            (0, EngineError::None, (4, 2)),
        ] {
            host.poke(OUTPUT, [0, number].map(i32::to_le_bytes).as_flattened());
            let status = if error == EngineError::None { Status::Ok } else { Status::BadInput };
            let record = Completion { status: status as u8, detail: error as u32, ..Completion::default() };
            checker.compare(&host, &run, &record);
            assert_eq!(tally.counts(), counts, "{number}, {error:?}");
        }
        assert_eq!(
            elements(&host, 3, OUTPUT, &[0, 0, 0, 0, 7, 0, 0, 0]),
            ["vector 3, element 1: 0 of the RTL, 7 of the model"]
        );
    }
}
