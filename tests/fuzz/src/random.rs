//! Random scripts.

use lockstep_arith::sample::Random;

/// `count` scripts of `len` random bytes, the same ones on every machine.
pub(crate) fn scripts(count: u64, len: usize) -> Vec<Vec<u8>> {
    let script = |seed| {
        let mut random = Random::new(seed);
        (0..len).map(|_| random.next() as u8).collect()
    };
    (0..count).map(script).collect()
}
