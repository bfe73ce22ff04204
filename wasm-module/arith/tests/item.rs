//! Compact vectors: every rule of section 11 of `SPEC.md`.

use lockstep_arith::item::{LARGEST, compact, dot, high_dot, join, split};
use proptest::prelude::*;

/// (40) by the definition: `32767 * p / m`, rounded half up.
fn by_definition(p: i32, m: u32) -> i64 {
    if m == 0 { 0 } else { (2 * 32767 * i64::from(p) + i64::from(m)).div_euclid(2 * i64::from(m)) }
}

fn wide(vector: &[i16]) -> Vec<i32> {
    vector.iter().map(|&c| i32::from(c)).collect()
}

#[test]
fn the_greatest_magnitude_becomes_the_greatest_number() {
    assert_eq!(compact(&[1, -1, 0]), [32767, -32767, 0]);
    assert_eq!(compact(&[i32::MIN, i32::MAX, 0]), [-32767, 32767, 0]);
    assert_eq!(compact(&[i32::MIN, 1 << 30, -(1 << 30)]), [-32767, 16384, -16383], "a tie rounds up");
    assert_eq!(compact(&[5, 0, -10]), [16384, 0, -32767]);
    assert_eq!(compact(&[-5, 0, -10]), [-16383, 0, -32767]);
}

#[test]
fn a_vector_of_zeros_stays_one() {
    assert_eq!(compact(&[0; 5]), [0; 5]);
    assert_eq!(compact(&[]), []);
}

#[test]
fn sums_do_not_overflow() {
    let (low, high) = ([-LARGEST; 4096], [LARGEST; 4096]);
    let square = i64::from(LARGEST) * i64::from(LARGEST) * 4096;
    assert_eq!([dot(&low, &low), dot(&low, &high)], [square, -square]);
    assert_eq!(high_dot(&low, &[-128; 4096]), 4096 * 128 * i64::from(LARGEST));
}

#[test]
fn every_number_is_its_two_parts() {
    for c in i16::MIN..=i16::MAX {
        let (high, low) = split(c);
        assert_eq!(256 * i32::from(high) + i32::from(low), i32::from(c));
        assert_eq!(join(high, low), c);
    }
}

proptest! {
    #[test]
    fn each_number_is_rounded_half_up(
        pooled in prop::collection::vec(any::<i32>(), 1..9),
        shift in 0u32..32,
    ) {
        let pooled: Vec<i32> = pooled.iter().map(|p| p >> shift).collect();
        let m = pooled.iter().map(|p| p.unsigned_abs()).max().unwrap_or(0);
        for (&c, &p) in compact(&pooled).iter().zip(&pooled) {
            prop_assert_eq!(i64::from(c), by_definition(p, m));
        }
    }

    /// So a stored vector takes the place of the pooled one.
    #[test]
    fn a_compact_vector_stays_as_it_is(pooled in prop::collection::vec(any::<i32>(), 0..40)) {
        let once = compact(&pooled);
        prop_assert_eq!(compact(&wide(&once)), once);
    }

    #[test]
    fn a_factor_changes_nothing(pooled in prop::collection::vec(-9999..9999, 1..40), factor in 1..9999) {
        let larger: Vec<i32> = pooled.iter().map(|p| p * factor).collect();
        prop_assert_eq!(compact(&larger), compact(&pooled));
    }
}
