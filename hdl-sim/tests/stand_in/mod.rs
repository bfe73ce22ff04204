//! The card with the stand-in engine of `bench_engine.sv`, and the results that this engine must
//! give.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use lockstep_accel_abi::{Completion, Descriptor, Opcode, Status};
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::{AxiTiming, Card, CardSetup, Design, Stalls, TopSetup};

/// Address of data in host memory.
pub const DATA: u64 = Card::DATA_BASE;
/// Address of results in host memory.
pub const RESULTS: u64 = DATA + 0x3_0000;
/// Address of the first program in card memory. Programs are 1 KiB apart.
pub const PROGRAMS: u64 = 0xc_0000;

/// A program of the stand-in.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    pub behave: u32,
    /// Instructions of 32 bytes.
    pub length: u16,
    /// Bytes of one run.
    pub input: u32,
    pub output: u32,
    pub runs: u16,
}

/// A fast memory, for benches of order and errors.
pub fn quick() -> AxiTiming {
    AxiTiming { latency: 6, ..AxiTiming::default() }
}

/// A memory as slow as on a board.
pub fn slow() -> AxiTiming {
    AxiTiming { latency: 120, ..AxiTiming::default() }
}

/// A card with a data bus of `width` bits, not yet enabled.
pub fn card(width: usize, timing: AxiTiming, stalls: Stalls, ring_log2: u32) -> Card {
    let setup = CardSetup {
        top: TopSetup {
            design: Design::new("bench_card").parameter("DataWidth", width),
            host: timing,
            card: timing,
            stalls,
        },
        host_bytes: 0x4_0000,
        card_bytes: 0x10_0000,
        ring_log2,
    };
    Card::new(&setup).unwrap()
}

/// Bytes that depend on a seed.
pub fn bytes(len: usize, seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    (0..len).map(|_| random.next() as u8).collect()
}

/// How a job ended. An unknown status fails the test.
pub fn outcome(record: &Completion) -> Status {
    record.outcome().unwrap()
}

/// Puts a program for `tag` into card memory and returns its words.
pub fn program(card: &Card, tag: u16, shape: Program) -> Vec<u32> {
    let mut random = Random::new(u64::from(tag) + 77);
    let mut words = vec![shape.behave, shape.input, shape.output];
    words.resize_with(usize::from(shape.length) * 8, || random.next() as u32);
    let text: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    card.card_memory().borrow_mut().poke(PROGRAMS + u64::from(tag) * 1024, &text);
    words
}

/// A job of the stand-in and its expected results. Writes its program and its inputs.
pub fn run_job(card: &Card, tag: u16, shape: Program) -> (Descriptor, Vec<u8>) {
    let mut sum = program(card, tag, shape).iter().fold(0_u32, |a, b| a.wrapping_add(*b));
    let input = DATA + 0x8000 + u64::from(tag) * 1024 + 4;
    let text = bytes(shape.input as usize * usize::from(shape.runs), u64::from(tag) + 5);
    card.host_write(input, &text);
    let mut results = Vec::new();
    for run in text.chunks(shape.input as usize) {
        for word in run.chunks(4) {
            sum = sum.wrapping_add(u32::from_le_bytes(word.try_into().unwrap()));
        }
        results.extend((0..shape.output / 4).flat_map(|i| sum.wrapping_add(i).to_le_bytes()));
    }
    let job = Descriptor {
        opcode: Opcode::Run as u8,
        tag,
        program_length: shape.length.into(),
        card_address: PROGRAMS + u64::from(tag) * 1024,
        host_address: input,
        output_address: RESULTS + u64::from(tag) * 512 + 4,
        runs: shape.runs,
        input_stride: shape.input,
        output_stride: shape.output,
        array: card.top.sim().output("host_wdata_o").unwrap().width() as u16 / 8,
        tokens: 512,
        hidden: 1024,
        ..Descriptor::default()
    };
    (job, results)
}
