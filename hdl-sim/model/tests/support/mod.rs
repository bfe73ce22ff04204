//! An engine with memories that hold an encoder, a program and sequences.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::cell::Cell;

use lockstep_accel_abi::descriptor;
use lockstep_accel_model::{Done, Engine, Fault, Job, Memories};
use lockstep_accel_program::{ArrayShape, Image, Program};
use lockstep_arith::encoder::Encoder;

/// Address of the results in host memory, and bytes from one sequence to the next.
pub const OUTPUT: u64 = 1 << 16;
pub const WIDTH: u32 = 4096;

/// Token ids and token types.
pub type Sequence = (Vec<u32>, Vec<u8>);

/// Memories from address 0 on.
pub struct Plain {
    pub card: Vec<u8>,
    pub host: Vec<u8>,
    pub fail_writes: bool,
    /// Reads of card memory.
    pub reads: Cell<u64>,
}

fn range(memory: &[u8], address: u64, bytes: usize) -> Result<std::ops::Range<usize>, Fault> {
    let fault = |address: usize| Fault { address: address as u64 };
    let first = usize::try_from(address).map_err(|_| Fault { address })?;
    let end = first.checked_add(bytes).ok_or(fault(first))?;
    if end > memory.len() { Err(fault(first.max(memory.len()))) } else { Ok(first..end) }
}

impl Memories for Plain {
    fn card(&self, address: u64, bytes: usize) -> Result<&[u8], Fault> {
        self.reads.set(self.reads.get() + 1);
        Ok(&self.card[range(&self.card, address, bytes)?])
    }

    fn read_host(&mut self, address: u64, to: &mut [u8]) -> Result<(), Fault> {
        to.copy_from_slice(&self.host[range(&self.host, address, to.len())?]);
        Ok(())
    }

    fn write_host(&mut self, address: u64, from: &[u8]) -> Result<(), Fault> {
        if self.fail_writes {
            return Err(Fault { address });
        }
        let range = range(&self.host, address, from.len())?;
        self.host[range].copy_from_slice(from);
        Ok(())
    }
}

/// An engine, its memories and a job.
pub struct Bench {
    pub engine: Engine,
    pub memories: Plain,
    pub job: Job,
}

impl Bench {
    pub fn new(model: &Encoder, lanes: usize, tokens: usize, sequences: &[Sequence]) -> Self {
        let engine = ArrayShape::new(lanes);
        let image = Image::new(model, &engine).unwrap();
        let program = Program::new(&image, &engine, tokens, 0).unwrap();
        Self::of(&image, &program, lanes, sequences)
    }

    pub fn of(image: &Image, program: &Program, lanes: usize, sequences: &[Sequence]) -> Self {
        let mut card = image.bytes.clone();
        let at = card.len() as u64;
        card.extend(program.bytes());
        let inputs = sequences.iter().flat_map(|(ids, types)| descriptor::inputs(ids, types));
        let mut host: Vec<u8> = inputs.collect();
        host.resize(2 * OUTPUT as usize, 0);
        let job = Job {
            program: at,
            length: program.len() as u16,
            runs: sequences.len() as u16,
            input: (0, 4 * sequences[0].0.len() as u32),
            output: (OUTPUT, WIDTH),
        };
        let memories = Plain { card, host, fail_writes: false, reads: Cell::new(0) };
        Self { engine: Engine::new(lanes), memories, job }
    }

    pub fn run(&mut self) -> Done {
        self.engine.run(&self.job, &mut self.memories, &|| false)
    }

    /// The integers that the engine wrote.
    pub fn outputs(&self, sequences: usize, length: usize) -> Vec<Vec<i32>> {
        let one = |i: usize| {
            let bytes = &self.memories.host[OUTPUT as usize + i * WIDTH as usize..][..4 * length];
            bytes.as_chunks::<4>().0.iter().map(|b| i32::from_le_bytes(*b)).collect()
        };
        (0..sequences).map(one).collect()
    }
}
