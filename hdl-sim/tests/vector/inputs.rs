//! Operands of the vector unit's benches.

use lockstep_arith::fixed::{bit_length, mul_q15};
use lockstep_arith::sample::Random;
use lockstep_hdl_sim::{Bits, Design, Sim};

/// Lanes of the designs under test.
pub(crate) const LANES: usize = 4;
/// Words of a test and a way of pausing.
pub(crate) const REPEATS: u64 = 3000;

/// A module with [`LANES`] lanes.
pub(crate) fn sim(module: &str) -> Sim {
    Sim::new(&Design::new(module).parameter("N", LANES)).unwrap()
}

/// One number a lane, each of `width` bits.
pub(crate) fn lanes<T: Into<i64>>(width: usize, values: impl IntoIterator<Item = T>) -> Bits {
    let bits = Bits::pack(width, values);
    assert_eq!(bits.width(), width * LANES);
    bits
}

/// (26): `r_v` of a row's sum of weights and the values' greatest magnitude.
pub(crate) fn soft(sum: u32, m_v: i16) -> i16 {
    let bits = bit_length(sum);
    let normalised = if bits > 15 { sum >> (bits - 15) } else { sum << (15 - bits) };
    mul_q15(((1_u32 << 29) / normalised).min(32767) as i16, m_v)
}

/// Random numbers that like the ends of their range.
pub(crate) struct Draw(Random);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    pub(crate) fn within(&mut self, lo: i32, hi: i32) -> i32 {
        self.0.within(lo, hi)
    }

    /// True once in `n` times.
    pub(crate) fn chance(&mut self, n: i32) -> bool {
        self.0.within(1, n) == 1
    }

    /// Often an end of the range, or 0 or one beside it.
    pub(crate) fn edge(&mut self, lo: i32, hi: i32) -> i32 {
        match self.within(0, 9) {
            0 => lo,
            1 => hi,
            2 => self.within(-1, 1).clamp(lo, hi),
            _ => self.within(lo, hi),
        }
    }

    /// Any number of bits up to `bits`, evenly.
    pub(crate) fn magnitude(&mut self, bits: i32) -> u32 {
        let n = self.within(0, bits);
        (self.0.next() & ((1 << n) - 1)) as u32
    }

    /// One number a lane.
    pub(crate) fn lanes<T: TryFrom<i32>>(&mut self, lo: i32, hi: i32) -> Vec<T> {
        (0..LANES).map(|_| T::try_from(self.edge(lo, hi)).ok().unwrap()).collect()
    }
}
