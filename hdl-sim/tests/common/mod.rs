//! A unit alone: its ports by their names, and random pauses.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use lockstep_arith::sample::Random;
use lockstep_hdl_sim::{Bits, Design, Sim};

/// How often in percent something pauses.
pub const PAUSES: [u8; 3] = [0, 30, 80];
/// The same of two sides: alike, and one much faster than the other.
pub const TWO_SIDES: [(u8, u8); 5] = [(0, 0), (30, 30), (80, 80), (0, 90), (90, 0)];

/// A unit out of reset. Its inputs hold noise until they are set.
pub fn unit(name: &str, parameters: &[(&str, usize)]) -> Bench {
    let design = parameters.iter().fold(Design::new(name), |d, (name, value)| d.parameter(*name, value));
    Bench { sim: Sim::new(&design).unwrap() }
}

/// Ports by their names.
pub struct Bench {
    pub sim: Sim,
}

impl Bench {
    pub fn set(&mut self, port: &str, value: u64) {
        let port = self.sim.input(port).unwrap();
        self.sim.poke(port, value);
    }

    pub fn set_bits(&mut self, port: &str, value: &Bits) {
        let port = self.sim.input(port).unwrap();
        self.sim.poke_bits(port, value);
    }

    pub fn get(&self, port: &str) -> u64 {
        self.sim.peek(self.sim.output(port).unwrap())
    }

    pub fn bits(&self, port: &str) -> Bits {
        self.sim.peek_bits(self.sim.output(port).unwrap())
    }

    /// Lets outputs follow the inputs.
    pub fn settle(&mut self) {
        self.sim.settle().unwrap();
    }

    pub fn clock(&mut self) {
        self.sim.cycle(&mut []).unwrap();
    }
}

/// True in `percent` of all cycles.
pub fn pauses(random: &mut Random, percent: u8) -> bool {
    random.within(1, 100) <= i32::from(percent)
}

/// What is drawn for one cycle: true once in so many.
pub fn once(random: &mut Random, times: i32) -> bool {
    random.within(1, times) == 1
}
