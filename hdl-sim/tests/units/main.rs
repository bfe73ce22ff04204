//! The units of the engine one by one. Everything around a unit pauses at random.
#![allow(clippy::unwrap_used)]

mod array;
mod card_memory;
#[path = "../common/mod.rs"]
mod common;
mod drain;
mod host_memory;
mod jobs;
mod operands;
mod pass;
mod row_scalars;
mod sequencer;
mod statistics;
mod vector;

use lockstep_accel_abi::instructions::{Instruction, When};
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::Bits;

use common::{Bench, PAUSES, TWO_SIDES, once, pauses, unit};

/// Lanes of the units under test.
const N: usize = 8;
/// Cycles from the last word of a pass until everything that it writes is written.
const FLUSH: usize = 20;
/// Cycles from the latch of the statistics to the maximum of a block.
const BLOCK_MAX: usize = N.ilog2() as usize;
/// The word of a memory at an address: random bits that depend on the address.
fn word(address: u64) -> Bits {
    Bits::random(8 * N, &mut Random::new(address))
}

/// The bits of an instruction.
fn instruction(i: &Instruction) -> Bits {
    Bits::from_bytes(256, &i.to_bytes().unwrap())
}

/// The `When` with a number.
fn random_when(number: u64) -> When {
    [When::Once, When::Inner, When::Outer][number as usize]
}

/// The fields of `slot_t`, from the lowest bit up, and their widths.
const SLOT: [(&str, usize); 26] = [
    ("signal", 32),
    ("residual_shift", 3),
    ("out_shift", 5),
    ("acc_shift", 4),
    ("channel", 10),
    ("g", 12),
    ("second", 20),
    ("write", 20),
    ("read_y", 20),
    ("read", 20),
    ("from_y", 1),
    ("to_b", 1),
    ("last", 1),
    ("first", 1),
    ("odd", 1),
    ("lanes", 7),
    ("masked", 1),
    ("clear", 1),
    ("stat", 9),
    ("slot", 2),
    ("row_scale", 8),
    ("bank", 1),
    ("column", 7),
    ("by_row", 1),
    ("kind", 4),
    ("valid", 1),
];
const SLOT_BITS: usize = 193;

/// A slot of the vector pipeline. Fields that are not given are zero.
fn slot(fields: &[(&str, u64)]) -> Bits {
    let value = |name| fields.iter().find(|f| f.0 == name).map_or(0, |f| f.1);
    assert!(fields.iter().all(|f| SLOT.iter().any(|s| s.0 == f.0)));
    let bits = Bits::concat(&SLOT.map(|(name, width)| Bits::new(width, value(name))));
    assert_eq!(bits.width(), SLOT_BITS);
    bits
}
