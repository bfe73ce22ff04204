//! A unit of the RTL alone: its ports by their names, and random pauses.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use lockstep_arith::sample::Random;
use lockstep_hdl_sim::{Bits, Design, Sim};

/// How often one side pauses, in percent.
pub const PAUSES: [u8; 3] = [0, 30, 80];
/// How often two sides pause, in percent: both alike, or one never and the other mostly.
pub const TWO_SIDES: [(u8, u8); 5] = [(0, 0), (30, 30), (80, 80), (0, 90), (90, 0)];

/// A unit out of reset. Its inputs are random until the bench sets them.
pub fn unit(name: &str, parameters: &[(&str, usize)]) -> Bench {
    let design = parameters.iter().fold(Design::new(name), |d, (name, value)| d.parameter(*name, value));
    Bench { sim: Sim::new(&design).unwrap() }
}

/// A unit with access to its ports by their names.
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

/// True once in `times` cycles on average.
pub fn once(random: &mut Random, times: i32) -> bool {
    random.within(1, times) == 1
}
