//! Programs of the engine, as the mock card runs them: any instructions, or those of an encoder
//! with some bytes changed. A program ends, fails or is stopped, and asks in time whether to stop.
//! An encoder's program without a change gives the encoder's integers, whatever ran before.

use std::cell::Cell;
use std::sync::LazyLock;

use lockstep_accel_abi::codes::INSTRUCTION_BYTES;
use lockstep_accel_abi::descriptor;
use lockstep_accel_abi::instructions::Instruction;
use lockstep_accel_model::{Engine, Fault, Job, Memories};
use lockstep_accel_program::{ArrayShape, Image, Program};
use lockstep_arith::sample::{Shape, encoder};

use crate::script::Script;

const INSTRUCTION: usize = INSTRUCTION_BYTES as usize;
const LANES: usize = 8;
/// Bytes of card memory and of host memory. The program is at the start of card memory.
const CARD: usize = 4096;
const HOST: usize = 1024;
const LONGEST: usize = 24;
/// How often the engine may ask whether to stop: a bound of its work.
const PATIENCE: u32 = 64;

/// An encoder on the card: its memory, its program, its inputs and its integers.
struct Encoded {
    card: Vec<u8>,
    program: usize,
    length: u16,
    inputs: Vec<u8>,
    expected: Vec<u8>,
}

static ENCODED: LazyLock<Encoded> = LazyLock::new(|| {
    let shape = Shape {
        vocabulary: 3,
        positions: 4,
        layers: 1,
        hidden: 32,
        heads: 1,
        intermediate: 32,
        ..Shape::SMALL
    };
    let (model, engine) = (encoder(&shape, 1), ArrayShape::new(LANES));
    let image = Image::new(&model, &engine).expect("a shape that the engine takes");
    let program = Program::new(&image, &engine, 2, 0).expect("a program");
    let (ids, types) = ([2, 1], [0, 1]);
    let expected = model.forward(&ids, &types).expect("a sequence that the model takes");
    let (at, mut card) = (image.bytes.len(), image.bytes);
    card.extend(program.bytes());
    Encoded {
        card,
        program: at,
        length: program.len() as u16,
        inputs: descriptor::inputs(&ids, &types).collect(),
        expected: expected.iter().flat_map(|number| number.to_le_bytes()).collect(),
    }
});

/// Memories from address 0 on.
struct Plain {
    card: Vec<u8>,
    host: Vec<u8>,
}

fn place(memory: &[u8], address: u64, bytes: usize) -> Result<std::ops::Range<usize>, Fault> {
    let end = address.checked_add(bytes as u64).filter(|&end| end <= memory.len() as u64);
    end.map(|end| address as usize..end as usize).ok_or(Fault { address: address.max(memory.len() as u64) })
}

impl Memories for Plain {
    fn card(&self, address: u64, bytes: usize) -> Result<&[u8], Fault> {
        Ok(&self.card[place(&self.card, address, bytes)?])
    }

    fn read_host(&mut self, address: u64, to: &mut [u8]) -> Result<(), Fault> {
        to.copy_from_slice(&self.host[place(&self.host, address, to.len())?]);
        Ok(())
    }

    fn write_host(&mut self, address: u64, from: &[u8]) -> Result<(), Fault> {
        let range = place(&self.host, address, from.len())?;
        self.host[range].copy_from_slice(from);
        Ok(())
    }
}

thread_local! {
    static ENGINE: std::cell::RefCell<Engine> = std::cell::RefCell::new(Engine::new(LANES));
}

/// Reads a script as a program and its job. Returns whether the program came to its end.
pub fn run(bytes: &[u8]) -> bool {
    let mut script = Script::new(bytes);
    if script.chance(128) { any_program(&mut script) } else { changed_program(&mut script) }
}

fn any_program(script: &mut Script<'_>) -> bool {
    let runs = 1 + script.below(3) as u16;
    let input = (number(script, HOST as u64), number(script, 64) as u32);
    let output = (number(script, HOST as u64), number(script, 64) as u32);
    let mut program: Vec<u8> = Vec::new();
    while program.len() < LONGEST * INSTRUCTION && !script.is_over() {
        program.extend(instruction(script));
    }
    if !script.chance(64) {
        program.extend(end());
    }
    let length = (program.len() / INSTRUCTION) as u16;
    program.resize(CARD, 1);
    let mut memories = Plain { card: program, host: vec![1; HOST] };
    execute(&Job { program: 0, length, runs, input, output }, &mut memories, PATIENCE)
}

fn changed_program(script: &mut Script<'_>) -> bool {
    let encoded = &*ENCODED;
    let mut memories = Plain { card: encoded.card.clone(), host: vec![0; HOST] };
    memories.host[..encoded.inputs.len()].copy_from_slice(&encoded.inputs);
    let changes = script.below(6);
    for _ in 0..changes {
        let at = encoded.program + script.below(encoded.card.len() - encoded.program);
        let byte = &mut memories.card[at];
        *byte = if script.chance(64) { script.byte() } else { *byte ^ 1 << script.below(8) };
    }
    let output = HOST as u64 / 2;
    let job = Job {
        program: encoded.program as u64,
        length: encoded.length,
        runs: 1,
        input: (0, 0),
        output: (output, 0),
    };
    let ended = execute(&job, &mut memories, 4096);
    if changes == 0 {
        assert!(ended, "the program of an encoder");
        assert_eq!(memories.host[output as usize..][..encoded.expected.len()], encoded.expected);
    }
    ended
}

fn execute(job: &Job, memories: &mut Plain, patience: u32) -> bool {
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > patience
    };
    let done = ENGINE.with_borrow_mut(|engine| engine.run(job, memories, &stop));
    assert!(asked.get() <= patience + 1, "the engine goes on after it was stopped");
    done.result.is_ok()
}

fn number(script: &mut Script<'_>, below: u64) -> u64 {
    if script.chance(16) { script.number() } else { 4 * (script.long() % (below / 4)) }
}

/// The bytes of `end`.
fn end() -> [u8; INSTRUCTION] {
    let mut bytes = [0; INSTRUCTION];
    bytes[0] = 8;
    bytes
}

/// An instruction: mostly one that exists, with fields of all sizes.
fn instruction(script: &mut Script<'_>) -> [u8; INSTRUCTION] {
    let mut bytes = [0; INSTRUCTION];
    bytes[0] = if script.chance(8) { script.byte() } else { 1 + script.below(8) as u8 };
    // Few bits, so that the fields are small and the semaphores mostly unused.
    let payload = if script.chance(48) { 1 } else { 5 };
    for _ in 0..script.below(10) {
        let at = payload + script.below(INSTRUCTION - payload);
        bytes[at] = if script.chance(64) { script.byte() } else { 1 << script.below(8) };
    }
    if let Some(instruction) = Instruction::from_bytes(&bytes) {
        let again = instruction.to_bytes().expect("an instruction that was read");
        assert_eq!(Instruction::from_bytes(&again), Some(instruction));
    }
    bytes
}

/// Random programs.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = crate::random::scripts(24, 300);
    // The first byte chooses between any instructions and a changed program.
    seeds.extend((0..32).map(|change| vec![0, change % 6, change, 0, 3 * change, 1, change, 0, change]));
    seeds
}
