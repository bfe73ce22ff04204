//! Random pauses of the two sides of a handshake.

use lockstep_arith::sample::Random;

/// How often each side of a handshake pauses. Equal seeds give equal pauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stalls {
    /// Chance in percent that the sender offers nothing new in a cycle.
    pub idle: u8,
    /// Chance in percent that the receiver is not ready in a cycle.
    pub back_pressure: u8,
    /// The seed of the random numbers.
    pub seed: u64,
}

impl Stalls {
    /// Neither side ever pauses.
    pub const NONE: Self = Self { idle: 0, back_pressure: 0, seed: 0 };

    /// The pauses that every bench tries: each side never, sometimes or mostly, in all
    /// combinations.
    #[must_use]
    pub fn crossed(seed: u64) -> Vec<Self> {
        let levels = [0, 30, 80];
        let pairs = levels.into_iter().flat_map(|idle| levels.map(|back_pressure| (idle, back_pressure)));
        pairs
            .zip(0..)
            .map(|((idle, back_pressure), i)| Self { idle, back_pressure, seed: seed.wrapping_mul(31) + i })
            .collect()
    }
}

/// Decides for each cycle whether to pause.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    random: Random,
    percent: u8,
}

impl Gate {
    pub(crate) fn new(seed: u64, percent: u8) -> Self {
        Self { random: Random::new(seed), percent }
    }

    /// Whether this cycle is a pause.
    pub(crate) fn pauses(&mut self) -> bool {
        self.percent > 0 && self.random.within(1, 100) <= i32::from(self.percent)
    }
}
