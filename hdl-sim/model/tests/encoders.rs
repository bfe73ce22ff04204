//! Whole small encoders on the model: their integers must be those of the reference, at every size
//! of the array.
#![allow(clippy::unwrap_used)]

mod support;

use lockstep_accel_program::{ArrayShape, Image, Program};
use lockstep_arith::encoder::Pooling;
use lockstep_arith::sample::{self, Random, Shape};
use support::Bench;

fn compare(shape: &Shape, lanes: usize, tokens: usize, sequences: usize) {
    let model = sample::encoder(shape, 5);
    let mut random = Random::new(tokens as u64);
    let sequences: Vec<_> = (0..sequences).map(|_| sample::sequence(&model, tokens, &mut random)).collect();
    let mut bench = Bench::new(&model, lanes, tokens, &sequences);
    let place = format!("{lanes} lanes, {tokens} tokens, {shape:?}");
    assert_eq!(bench.run().result, Ok(()), "{place}");
    let expected: Vec<_> = sequences.iter().map(|(ids, types)| model.forward(ids, types).unwrap()).collect();
    assert_eq!(bench.outputs(sequences.len(), model.hidden()), expected, "{place}");
}

/// One tile and several, an odd and an even number of them, with a full and with a short last tile.
#[test]
fn small_encoders_at_all_sizes() {
    for lanes in [8, 16, 32, 64] {
        for (tokens, sequences) in [(1, 2), (8, 1), (16, 1), (21, 2), (64, 1)] {
            compare(&Shape::SMALL, lanes, tokens, sequences);
        }
    }
}

#[test]
fn heads_of_64_and_the_first_tokens_vector() {
    let shape = Shape { hidden: 128, pooling: Pooling::Cls, layers: 1, ..Shape::SMALL };
    for lanes in [8, 16, 32, 64] {
        compare(&shape, lanes, 19, 1);
    }
}

/// The last panel has fewer columns than the array. At 64 lanes two heads share a panel.
#[test]
fn widths_that_are_no_multiple_of_the_array() {
    for (hidden, heads, intermediate) in [(96, 3, 72), (96, 3, 100), (96, 3, 5), (160, 5, 320), (32, 1, 33)] {
        let shape = Shape { hidden, heads, intermediate, layers: 1, ..Shape::SMALL };
        for lanes in [8, 16, 32, 64] {
            compare(&shape, lanes, 10, 1);
        }
    }
}

#[test]
fn the_longest_sequence() {
    let shape = Shape { hidden: 32, heads: 1, intermediate: 24, layers: 1, positions: 512, ..Shape::SMALL };
    for lanes in [8, 64] {
        compare(&shape, lanes, 512, 1);
    }
}

/// The program that measures products runs as well: it sums 16-bit outputs.
#[test]
fn products_alone_end() {
    let model = sample::encoder(&Shape { layers: 1, ..Shape::SMALL }, 3);
    let engine = ArrayShape::new(8);
    let image = Image::new(&model, &engine).unwrap();
    let program = Program::products(&image, &engine, 11, 0, 3).unwrap();
    let sequence = sample::sequence(&model, 11, &mut Random::new(1));
    let mut bench = Bench::of(&image, &program, 8, std::slice::from_ref(&sequence));
    let done = bench.run();
    assert_eq!(done.result, Ok(()));
    assert_eq!(done.busy, 3 * 2 * 20 * 64, "turns, tiles, panels, steps");
}
