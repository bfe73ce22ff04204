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

use std::sync::OnceLock;

use lockstep_accel_abi::instructions::{Instruction, When};
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::{Bits, Layout};

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

/// Bits of a slot of the vector pipeline; the highest one is its `valid`.
const SLOT_BITS: usize = 193;

/// A slot of the vector pipeline: these fields of `slot_t`, the others zero.
fn slot(fields: &[(&str, u64)]) -> Bits {
    static LAYOUT: OnceLock<Layout> = OnceLock::new();
    let layout = LAYOUT.get_or_init(|| Layout::of("slot_t").unwrap());
    assert_eq!(layout.width(), SLOT_BITS);
    layout.pack(fields).unwrap()
}
