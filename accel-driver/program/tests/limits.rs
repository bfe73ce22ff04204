//! The compiler refuses a program that no job can name, and a pooling that the engine lacks.
#![allow(clippy::unwrap_used)]

use lockstep_accel_program::{ArrayShape, Error, Image, Program};
use lockstep_arith::encoder::Pooling;
use lockstep_arith::sample::{self, Shape};

/// A descriptor has 16 bits for the number of instructions.
#[test]
fn a_program_of_more_than_65_535_instructions_is_refused() {
    let model = sample::encoder(&Shape { layers: 1, ..Shape::SMALL }, 3);
    let engine = ArrayShape::new(8);
    let image = Image::new(&model, &engine).unwrap();
    let instructions = |times| match Program::products(&image, &engine, 64, 0, times) {
        Ok(program) => Ok(program.len()),
        Err(Error::Shape { what: "instructions of the program", value, .. }) => Err(value),
        Err(other) => panic!("{other}"),
    };
    let (one, two) = (instructions(1).unwrap(), instructions(2).unwrap());
    // The greatest number of repetitions that fits.
    let most = 1 + (65_535 - one) / (two - one);
    let length = |times| one + (times - 1) * (two - one);
    assert_eq!(instructions(most), Ok(length(most)));
    assert_eq!(instructions(most + 1), Err(length(most + 1)));
}

#[test]
fn the_engine_pools_by_the_mean_and_by_the_first_row() {
    let image = |pooling, labels| {
        let shape = Shape { layers: 1, pooling, labels, dense: [0, 0], ..Shape::SMALL };
        Image::new(&sample::encoder(&shape, 3), &ArrayShape::new(8)).map(|_| ())
    };
    for (pooling, value) in [(Pooling::Max, 2), (Pooling::WeightedMean, 3)] {
        let message = image(pooling, 0).unwrap_err().to_string();
        assert!(message.starts_with("pooling (0 mean, 1 CLS, 2 max, 3 weighted mean) is "), "{message}");
        assert!(message.ends_with(&format!("{value}; the engine takes 0 and 1")), "{message}");
        // A head reads the first row, whatever the pooling.
        assert_eq!(image(pooling, 3), Ok(()));
    }
    assert_eq!((image(Pooling::Mean, 0), image(Pooling::Cls, 0)), (Ok(()), Ok(())));
}
