//! The engine's units one by one, each with random pauses of everything around it.
#![allow(clippy::unwrap_used)]

mod array;
mod card_memory;
mod host_memory;

use lockstep_arith::sample::Random;
use lockstep_hdl_sim::{Bits, Design, Sim};

/// Lanes of the units under test.
const N: usize = 8;
/// How often in percent something pauses.
const PAUSES: [u8; 3] = [0, 30, 80];
/// The same of two sides: alike, and one much faster than the other.
const TWO_SIDES: [(u8, u8); 5] = [(0, 0), (30, 30), (80, 80), (0, 90), (90, 0)];

/// A unit out of reset. Its inputs hold noise until they are set.
fn unit(name: &str, parameters: &[(&str, usize)]) -> Bench {
    let design = parameters.iter().fold(Design::new(name), |d, (name, value)| d.parameter(*name, value));
    Bench { sim: Sim::new(&design).unwrap() }
}

/// Ports by their names.
struct Bench {
    sim: Sim,
}

impl Bench {
    fn set(&mut self, port: &str, value: u64) {
        let port = self.sim.input(port).unwrap();
        self.sim.poke(port, value);
    }

    fn set_bits(&mut self, port: &str, value: &Bits) {
        let port = self.sim.input(port).unwrap();
        self.sim.poke_bits(port, value);
    }

    fn get(&self, port: &str) -> u64 {
        self.sim.peek(self.sim.output(port).unwrap())
    }

    fn bits(&self, port: &str) -> Bits {
        self.sim.peek_bits(self.sim.output(port).unwrap())
    }

    /// Lets outputs follow the inputs.
    fn settle(&mut self) {
        self.sim.settle().unwrap();
    }

    fn clock(&mut self) {
        self.sim.cycle(&mut []).unwrap();
    }
}

/// True in `percent` of all cycles.
fn pauses(random: &mut Random, percent: u8) -> bool {
    random.within(1, 100) <= i32::from(percent)
}

/// The word of a memory at an address: no two are alike.
fn word(address: u64) -> Bits {
    Bits::random(8 * N, &mut Random::new(address))
}
