//! The RTL and the model run the same program on the same inputs.
#![allow(clippy::unwrap_used)]

mod support;

use lockstep_accel_abi::Status;
use lockstep_accel_abi::events::Event;
use lockstep_accel_program::{ArrayShape, Image, Program};
use lockstep_arith::sample::{self, Random, Shape};
use lockstep_hdl_sim::{Batch, Stalls};
use support::Bench;

#[test]
fn vectors_and_steps_of_the_array_are_the_rtl_s() {
    let (lanes, tokens) = (8, 13);
    let model = sample::encoder(&Shape { layers: 1, ..Shape::SMALL }, 5);
    let engine = ArrayShape::new(lanes);
    let image = Image::new(&model, &engine).unwrap();
    let program = Program::new(&image, &engine, tokens, 0).unwrap();
    let mut random = Random::new(1);
    let sequences: Vec<_> = (0..2).map(|_| sample::sequence(&model, tokens, &mut random)).collect();
    let batch = Batch {
        lanes,
        image: &image.bytes,
        program: (&program.bytes(), program.len()),
        hidden: model.hidden(),
        outputs: model.hidden(),
        stalls: Stalls::NONE,
    };
    let rtl = batch.run(&sequences, 5_000_000, |_| ()).unwrap();
    assert_eq!(rtl.record.outcome(), Ok(Status::Ok));

    let mut bench = Bench::of(&image, &program, lanes, &sequences);
    let done = bench.run();
    assert_eq!(done.result, Ok(()));
    assert_eq!(bench.outputs(sequences.len(), model.hidden()), rtl.outputs);
    let counts = [Event::ArrayBusy, Event::WordsDrained, Event::WordsPassed].map(|e| rtl.counter(e));
    assert_eq!([done.busy, done.drained, done.passed], counts);
}
