//! `exp` and the logistic function, computed by `+ - * /` only. C libraries differ in the last bit.

/// `log2(e)`, rounded to nearest.
const LOG2_E: f64 = std::f64::consts::LOG2_E;
/// The upper 32 bits of `ln 2`. Its product with a whole number below 2^21 is exact.
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
/// `ln 2 - LN_2_HIGH`.
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// `1 / n!` for n = 13 down to 2. The first missing term is below 5e-18 if |r| <= 0.347.
const INVERSE_FACTORIALS: [f64; 12] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    1.0 / 2.0,
];

/// `e^x`, with a relative error below 1e-15 if the result is a normal number.
///
/// With `k` the whole number nearest to `x / ln 2` and `r = x - k ln 2`:
/// `e^x = 2^k (1 + r + r^2 (1/2! + r (1/3! + ...)))`. The result is infinite for `x` above about
/// 709.78, 0 for `x` below about -745.1, and NaN for NaN.
pub fn exp(x: f64) -> f64 {
    if x.is_nan() || x > 710.0 {
        return x + f64::INFINITY;
    }
    if x < -746.0 {
        return 0.0;
    }
    let half = if x < 0.0 { -0.5 } else { 0.5 };
    let k = (x * LOG2_E + half) as i32;
    let r = (x - f64::from(k) * LN_2_HIGH) - f64::from(k) * LN_2_LOW;
    let tail = INVERSE_FACTORIALS.iter().fold(0.0, |sum, &term| sum * r + term);
    let mantissa = 1.0 + (r + r * r * tail);
    // Two factors, because 2^k itself may be too large or too small for a normal number.
    mantissa * power_of_two(k / 2) * power_of_two(k - k / 2)
}

/// `2^k` for -1022 <= k <= 1023.
fn power_of_two(k: i32) -> f64 {
    f64::from_bits(((i64::from(k) + 1023) as u64) << 52)
}

/// `1 / (1 + e^-x)`, between 0 and 1, with a relative error below 2e-15.
pub fn sigmoid(x: f64) -> f64 {
    if x < 0.0 {
        let power = exp(x);
        power / (1.0 + power)
    } else {
        1.0 / (1.0 + exp(-x))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn relative_error(ours: f64, theirs: f64) -> f64 {
        ((ours - theirs) / theirs).abs()
    }

    #[test]
    fn the_split_of_ln_2_is_exact() {
        assert_eq!(LN_2_HIGH + LN_2_LOW, std::f64::consts::LN_2);
        // The lowest 21 bits are 0, so the product with a number below 2^21 is exact.
        assert_eq!(LN_2_HIGH.to_bits() & ((1 << 21) - 1), 0);
    }

    #[test]
    fn known_values() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-0.0), 1.0);
        assert_eq!(exp(f64::INFINITY), f64::INFINITY);
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
        assert_eq!(exp(1e300), f64::INFINITY);
        assert_eq!(exp(-1e300), 0.0);
        assert!(exp(f64::NAN).is_nan());
        assert_eq!(sigmoid(0.0), 0.5);
        assert_eq!(sigmoid(1000.0), 1.0);
        assert_eq!(sigmoid(-1000.0), 0.0);
        // These bits are one unit from the nearest number; every machine must give the same.
        assert_eq!(exp(1.0).to_bits(), 0x4005_bf0a_8b14_576a);
    }

    #[test]
    fn a_dense_sweep_stays_within_the_promised_error() {
        let mut worst = 0.0f64;
        for step in -708_000..709_000 {
            let x = f64::from(step) * 0.001_000_1;
            if x > -708.0 && x < 709.7 {
                worst = worst.max(relative_error(exp(x), x.exp()));
            }
        }
        assert!(worst < 1e-15, "{worst:e}");
        assert!(worst > 0.0, "a comparison that finds no difference at all compares nothing");
    }

    proptest! {
        #[test]
        fn exp_is_within_1e_15(x in -708.0..709.7f64) {
            prop_assert!(relative_error(exp(x), x.exp()) < 1e-15);
        }

        #[test]
        fn subnormal_results_come_near(x in -745.0..-708.5f64) {
            prop_assert!((exp(x) - x.exp()).abs() <= 2.0 * f64::from_bits(1));
        }

        #[test]
        fn a_sigmoid_is_a_monotone_probability(x in -800.0..800.0f64, step in 1e-3..10.0f64) {
            prop_assert!((0.0..=1.0).contains(&sigmoid(x)));
            prop_assert!(sigmoid(x) <= sigmoid(x + step));
            prop_assert!((sigmoid(x) + sigmoid(-x) - 1.0).abs() < 1e-15);
        }
    }
}
