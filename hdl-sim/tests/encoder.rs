//! Small random encoders on the whole card: equal bits and exact cycles. Also shapes that only a
//! large array takes.
#![allow(clippy::unwrap_used)]

use lockstep_accel_abi::Status;
use lockstep_accel_abi::events::Event;
use lockstep_accel_program::{ArrayShape, Image, Program};
use lockstep_arith::sample::{self, Random, Shape};
use lockstep_hdl_sim::{Batch, BatchResult, Stalls};

/// Cycles of two layers of 64 tokens at 8x8, from doorbell to completion record.
const CYCLES: u64 = 114_274;

fn run(shape: &Shape, lanes: usize, tokens: usize, sequences: usize, stalls: Stalls) -> BatchResult {
    let model = sample::encoder(shape, 5);
    let engine = ArrayShape::new(lanes);
    let image = Image::new(&model, &engine).unwrap();
    let program = Program::new(&image, &engine, tokens, 0).unwrap();
    let mut random = Random::new(tokens as u64);
    let sequences: Vec<_> = (0..sequences).map(|_| sample::sequence(&model, tokens, &mut random)).collect();
    let batch = Batch {
        lanes,
        image: &image.bytes,
        program: (&program.bytes(), program.len()),
        hidden: model.hidden(),
        outputs: model.hidden(),
        stalls,
    };
    let result = batch.run(&sequences, 50_000_000, |_| ()).unwrap();
    assert_eq!(result.record.outcome(), Ok(Status::Ok), "{lanes} lanes, {tokens} tokens, {shape:?}");
    for ((ids, types), found) in sequences.iter().zip(&result.outputs) {
        assert_eq!(found, &model.forward(ids, types).unwrap(), "{lanes} lanes, {tokens} tokens, {shape:?}");
    }
    result
}

/// The cycles are exact: another number means another design.
#[test]
fn cycles_from_doorbell_to_completion() {
    let result = run(&Shape::SMALL, 8, 64, 1, Stalls::NONE);
    let linear = 8 * 2 * (4 * 64 * 64 + 2 * 64 * 160) / 8;
    let attention = 2 * 8 * 2 * (8 * 32 + 4 * 2 * 64);
    assert_eq!(result.counter(Event::ArrayBusy), linear + attention);
    assert_eq!(result.cycles, CYCLES);
}

#[test]
fn pauses_on_all_buses() {
    let shape = Shape { layers: 1, ..Shape::SMALL };
    for stalls in Stalls::crossed(7) {
        run(&shape, 8, 13, 2, stalls);
    }
}

/// At 64 lanes: one layer of the widest model, and odd numbers of heads of 32, whose last panels
/// are half empty. It takes minutes: `make hdl-shapes`.
#[test]
#[ignore = "builds the 64x64 card"]
fn shapes_at_64_lanes() {
    let shape = |hidden, heads, intermediate| Shape {
        hidden,
        heads,
        intermediate,
        layers: 1,
        positions: 512,
        ..Shape::SMALL
    };
    for (hidden, heads, intermediate, tokens) in [
        (96, 3, 200, 70),
        (32, 1, 33, 5),
        (160, 5, 320, 128),
        (480, 15, 1920, 130),
        (1024, 32, 4096, 512),
        (1024, 16, 4096, 512),
    ] {
        let begin = std::time::Instant::now();
        let result = run(&shape(hidden, heads, intermediate), 64, tokens, 1, Stalls::NONE);
        println!(
            "hidden {hidden}, {heads} heads, {intermediate}, {tokens} tokens: {} cycles, {:.0} s",
            result.cycles,
            begin.elapsed().as_secs_f64()
        );
    }
}
