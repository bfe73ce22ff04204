//! Whole small encoders on the engine: their bits must be those of the reference.
#![allow(clippy::unwrap_used)]

use lockstep_accel_abi::EngineError;
use lockstep_accel_abi::instructions::{Load, Mac};
use lockstep_accel_program::{ArrayShape, Image, Program};
use lockstep_arith::encoder::{Encoder, Pooling};
use lockstep_arith::sample::{self, Random, Shape};
use lockstep_hdl_sim::{EngineBench, EngineJob, EngineResult, MemoryTiming};

/// Address of the results in host memory, and bytes from one sequence to the next.
const OUTPUT: usize = 1 << 16;
const WIDTH: u32 = 4096;
/// Cycles of two layers of 64 tokens at 8x8.
const CYCLES: u64 = 114_067;

type Sequence = (Vec<u32>, Vec<u8>);

/// An engine whose memories hold a program and sequences of one length. The bytes `behind` follow
/// the program.
fn load(
    image: &Image,
    program: &Program,
    behind: &[u8],
    lanes: usize,
    sequences: &[Sequence],
    timing: MemoryTiming,
) -> (EngineBench, EngineJob) {
    let mut card = image.bytes.clone();
    let at = card.len();
    card.extend(program.bytes());
    card.extend(behind);
    let mut host = vec![0; 2 * OUTPUT];
    let tokens = sequences[0].0.len();
    for (i, (ids, types)) in sequences.iter().enumerate() {
        for (j, (&id, &kind)) in ids.iter().zip(types).enumerate() {
            let place = 4 * (i * tokens + j);
            host[place..place + 4].copy_from_slice(&(id | u32::from(kind) << 24).to_le_bytes());
        }
    }
    let job = EngineJob {
        program: at as u64,
        length: program.len() as u16,
        repeat: sequences.len() as u16,
        input: (0, 4 * tokens as u32),
        output: (OUTPUT as u64, WIDTH),
    };
    (EngineBench::new(lanes, card, host, timing).unwrap(), job)
}

/// The integers that the engine wrote.
fn outputs(bench: &EngineBench, sequences: usize, length: usize) -> Vec<Vec<i32>> {
    let one = |i: usize| {
        let bytes = &bench.host()[OUTPUT + i * WIDTH as usize..][..4 * length];
        bytes.chunks_exact(4).map(|b| i32::from_le_bytes(b.try_into().unwrap())).collect()
    };
    (0..sequences).map(one).collect()
}

fn prepare(
    model: &Encoder,
    lanes: usize,
    tokens: usize,
    sequences: usize,
    timing: MemoryTiming,
) -> (EngineBench, EngineJob, Vec<Vec<i32>>) {
    let engine = ArrayShape::new(lanes);
    let image = Image::new(model, &engine).unwrap();
    let program = Program::new(&image, &engine, tokens, 0).unwrap();
    let mut random = Random::new(tokens as u64);
    let sequences: Vec<_> = (0..sequences).map(|_| sample::sequence(model, tokens, &mut random)).collect();
    let expected = sequences.iter().map(|(ids, types)| model.forward(ids, types).unwrap()).collect();
    let (bench, job) = load(&image, &program, &[], lanes, &sequences, timing);
    (bench, job, expected)
}

/// Runs sequences of one length. Returns the results of the engine, those of the reference, and the
/// job's result.
fn run(
    model: &Encoder,
    lanes: usize,
    tokens: usize,
    sequences: usize,
    timing: MemoryTiming,
) -> (Vec<Vec<i32>>, Vec<Vec<i32>>, EngineResult) {
    let (mut bench, job, expected) = prepare(model, lanes, tokens, sequences, timing);
    let result = bench.run(&job, 3_000_000).unwrap();
    (outputs(&bench, sequences, model.hidden()), expected, result)
}

fn compare(shape: &Shape, lanes: usize, tokens: usize, sequences: usize, timing: MemoryTiming) -> u64 {
    let model = sample::encoder(shape, 5);
    let (found, expected, result) = run(&model, lanes, tokens, sequences, timing);
    assert_eq!(result.error, EngineError::None, "{lanes} lanes, {tokens} tokens, {shape:?}");
    assert_eq!(found, expected, "{lanes} lanes, {tokens} tokens, {shape:?}");
    result.cycles
}

/// One tile and several, an odd and an even number of them, with a full and with a short last tile.
#[test]
fn a_small_encoder_at_8x8_is_the_reference() {
    for (tokens, sequences) in [(1, 2), (8, 1), (16, 1), (21, 2), (64, 1)] {
        compare(&Shape::SMALL, 8, tokens, sequences, MemoryTiming::STATED);
    }
}

#[test]
fn heads_of_64_and_the_first_tokens_vector() {
    let shape = Shape { hidden: 128, pooling: Pooling::Cls, layers: 1, ..Shape::SMALL };
    compare(&shape, 8, 19, 1, MemoryTiming::STATED);
}

/// The last panel has fewer columns than the array.
#[test]
fn widths_that_are_no_multiple_of_the_array() {
    for intermediate in [72, 100, 5] {
        let shape = Shape { hidden: 96, heads: 3, intermediate, layers: 1, ..Shape::SMALL };
        compare(&shape, 8, 10, 1, MemoryTiming::STATED);
    }
}

#[test]
fn the_longest_sequence() {
    let shape = Shape { hidden: 32, heads: 1, intermediate: 24, layers: 1, positions: 512, ..Shape::SMALL };
    compare(&shape, 8, 512, 1, MemoryTiming::STATED);
}

/// The speed of the memory changes the cycles, not the result.
#[test]
fn slow_and_halting_memories() {
    let cycles = [
        compare(&Shape::SMALL, 8, 11, 1, MemoryTiming { latency: 1, pause_every: 0 }),
        compare(&Shape::SMALL, 8, 11, 1, MemoryTiming { latency: 700, pause_every: 3 }),
    ];
    assert!(cycles[0] < cycles[1], "{cycles:?}");
}

/// The cycles and the steps of the array are exact: another number means another design.
#[test]
fn cycles_of_a_small_encoder() {
    let model = sample::encoder(&Shape::SMALL, 5);
    let (_, _, result) = run(&model, 8, 64, 1, MemoryTiming::STATED);
    // Tiles x panels x steps of the products of a layer, then the scores and the two planes of the
    // weighted sums of two heads.
    let linear = 8 * 2 * (4 * 64 * 64 + 2 * 64 * 160) / 8;
    let attention = 2 * 8 * 2 * (8 * 32 + 4 * 2 * 64);
    assert_eq!(result.busy, linear + attention);
    assert_eq!(result.cycles, CYCLES);
}

#[test]
fn a_failed_job_leaves_the_next_one_whole() {
    let model = sample::encoder(&Shape { layers: 1, ..Shape::SMALL }, 9);
    let (mut bench, mut job, expected) = prepare(&model, 8, 11, 1, MemoryTiming::STATED);
    let good = |bench: &mut EngineBench, job: &EngineJob| {
        let result = bench.run(job, 1_000_000).unwrap();
        assert_eq!(result.error, EngineError::None);
        assert_eq!(outputs(bench, 1, model.hidden()), expected);
    };
    good(&mut bench, &job);

    let word = bench.host()[..4].to_vec();
    bench.host_mut()[..4].copy_from_slice(&97_u32.to_le_bytes());
    assert_eq!(
        bench.run(&job, 1_000_000).unwrap().error,
        EngineError::BadInput,
        "a token id behind the vocabulary"
    );
    bench.host_mut()[..4].copy_from_slice(&(2_u32 << 24).to_le_bytes());
    assert_eq!(
        bench.run(&job, 1_000_000).unwrap().error,
        EngineError::BadInput,
        "a token type that the model lacks"
    );
    bench.host_mut()[..4].copy_from_slice(&word);
    good(&mut bench, &job);

    for after in [1, 300, 5_000, 9_000] {
        assert_eq!(
            bench.abort(&job, after).unwrap().error,
            EngineError::Aborted,
            "aborted after {after} cycles"
        );
        good(&mut bench, &job);
    }

    bench.fail_card(Some(job.program as usize + 40));
    assert_eq!(bench.run(&job, 1_000_000).unwrap().error, EngineError::CardBus, "an error of the card's bus");
    bench.fail_card(None);
    good(&mut bench, &job);

    bench.fail_host_writes(true);
    assert_eq!(
        bench.run(&job, 1_000_000).unwrap().error,
        EngineError::HostBus,
        "results that the host does not take"
    );
    bench.fail_host_writes(false);
    good(&mut bench, &job);

    job.input.0 = 1 << 40;
    assert_eq!(
        bench.run(&job, 1_000_000).unwrap().error,
        EngineError::HostBus,
        "ids outside the host's memory"
    );
    job.input.0 = 0;
    let program = job.program;
    // The tables of the model hold no instructions.
    job.program = 0;
    assert_eq!(bench.run(&job, 1_000_000).unwrap().error, EngineError::IllegalInstruction, "no opcode");
    job.program = program;
    good(&mut bench, &job);
}

/// An illegal instruction ends the job, also behind instructions that are already running. The next
/// job is right.
#[test]
fn an_illegal_instruction_ends_the_job() {
    let model = sample::encoder(&Shape { layers: 1, ..Shape::SMALL }, 9);
    let engine = ArrayShape::new(8);
    let image = Image::new(&model, &engine).unwrap();
    let program = Program::new(&image, &engine, 11, 0).unwrap();
    let zero = [0; 32];
    let opcode = |opcode: u8| {
        let mut bytes = zero;
        bytes[0] = opcode;
        bytes
    };
    // A load of no words, and products of no steps.
    let no_words = opcode(Load::FORMAT.code);
    let no_steps = opcode(Mac::FORMAT.code);
    let good = program.bytes();
    let (ids, types) = sample::sequence(&model, 11, &mut Random::new(11));
    let expected = model.forward(&ids, &types).unwrap();
    let sequences = [(ids, types)];
    let mut behind = Vec::new();
    let mut jobs = Vec::new();
    for begun in [0, 1, 40] {
        for bad in [zero, no_words, no_steps, opcode(9), opcode(255)] {
            jobs.push((behind.len() as u64, begun, bad));
            behind.extend([&good[..32 * begun], &bad, &zero, &zero].concat());
        }
    }
    let (mut bench, job) = load(&image, &program, &behind, 8, &sequences, MemoryTiming::STATED);
    for (at, begun, bad) in jobs {
        let program = job.program + good.len() as u64 + at;
        let bad_job = EngineJob { program, length: begun as u16 + 3, ..job };
        let result = bench.run(&bad_job, 100_000).unwrap();
        let place = format!("{bad:?} behind {begun} instructions");
        assert_eq!(result.error, EngineError::IllegalInstruction, "{place}");
        assert!(!bench.open(), "{place}");
        assert_eq!(bench.run(&job, 1_000_000).unwrap().error, EngineError::None, "{place}");
        assert_eq!(outputs(&bench, 1, model.hidden()), std::slice::from_ref(&expected), "{place}");
    }
}

/// Aborts a job in many cycles. No request is open when the job has ended, and the next job is
/// right.
#[test]
fn an_abort_at_any_time_leaves_nothing_behind() {
    let shape = Shape { hidden: 32, heads: 1, intermediate: 8, layers: 1, ..Shape::SMALL };
    let model = sample::encoder(&shape, 9);
    for timing in [MemoryTiming { latency: 1, pause_every: 0 }, MemoryTiming { latency: 40, pause_every: 3 }]
    {
        let (mut bench, job, expected) = prepare(&model, 8, 60, 1, timing);
        let cycles = bench.run(&job, 100_000).unwrap().cycles;
        // In the cycles around each request for ids, and in some others.
        let reads = bench.host_reads();
        assert_eq!(reads.len(), 8);
        for after in reads.iter().flat_map(|at| at - 5..at + 3).chain((50..cycles - 1).step_by(503)) {
            assert_eq!(
                bench.abort(&job, after).unwrap().error,
                EngineError::Aborted,
                "aborted after {after} of {cycles} cycles"
            );
            assert!(!bench.open(), "aborted after {after} of {cycles} cycles");
        }
        assert_eq!(bench.run(&job, 100_000).unwrap().error, EngineError::None);
        assert_eq!(outputs(&bench, 1, model.hidden()), expected);
    }
}

#[test]
fn products_alone() {
    let model = sample::encoder(&Shape { layers: 1, ..Shape::SMALL }, 3);
    let engine = ArrayShape::new(8);
    let image = Image::new(&model, &engine).unwrap();
    let cycles = [6, 7].map(|times| {
        let program = Program::products(&image, &engine, 64, 0, times).unwrap();
        let (ids, types) = sample::sequence(&model, 64, &mut Random::new(4));
        let mut expected = vec![0; 160];
        for (position, (&id, &kind)) in ids.iter().zip(&types).enumerate() {
            let sums = model.embedding.sums(id as usize, kind.into(), position);
            let (_, equalised) = model.embedding_norm.forward(&sums);
            for (sum, y) in expected.iter_mut().zip(model.layers[0].expand.forward16(&equalised.unwrap())) {
                *sum += i32::from(y);
            }
        }
        let (mut bench, job) = load(&image, &program, &[], 8, &[(ids, types)], MemoryTiming::STATED);
        let result = bench.run(&job, 200_000).unwrap();
        assert_eq!(outputs(&bench, 1, 160), [expected]);
        result.cycles
    });
    // Twenty panels of 8 tiles of 64 steps and 12 header words. The rest depends on when the memory
    // answers.
    assert_eq!(cycles[1] - cycles[0], 20 * (8 * 64 + 12) + 16);
}

#[test]
fn shapes_that_the_engine_does_not_take() {
    let image = |lanes, shape: &Shape| Image::new(&sample::encoder(shape, 1), &ArrayShape::new(lanes));
    let message = |lanes, shape: &Shape| image(lanes, shape).unwrap_err().to_string();
    assert_eq!(message(12, &Shape::SMALL), "side of the array is 12; the engine takes 8, 16, 32 or 64");
    assert_eq!(
        message(8, &Shape { heads: 4, ..Shape::SMALL }),
        "head width is 16; the engine takes 32 or 64"
    );
    assert_eq!(
        message(8, &Shape { hidden: 1056, heads: 33, ..Shape::SMALL }),
        "hidden size is 1056; the engine takes multiples of 32 up to 1024"
    );
    let small = image(8, &Shape::SMALL).unwrap();
    let tokens = |engine: &ArrayShape, n| Program::new(&small, engine, n, 0).unwrap_err().to_string();
    assert_eq!(tokens(&ArrayShape::new(8), 65), "number of tokens is 65; the engine takes 1 to 64");
    let tight = ArrayShape { v: 2000, ..ArrayShape::new(8) };
    assert_eq!(tokens(&tight, 64), "words of memory V is 2560; the engine takes up to 2000");
}
