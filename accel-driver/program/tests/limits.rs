//! The compiler refuses a program that no job can name.
#![allow(clippy::unwrap_used)]

use lockstep_accel_program::{ArrayShape, Error, Image, Program};
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
