//! Every step of `SPEC.md` alone: for all inputs if there are few, and always at the extremes.
#![allow(clippy::unwrap_used)]

use lockstep_arith::activation::{Activation, SEGMENTS, Table, least_offset};
use lockstep_arith::attention::{ContextScale, ScoreScale, attend, exp2};
use lockstep_arith::encoder::Pooling;
use lockstep_arith::fixed::{bit_length, floor_sqrt, mul_q15, round_shift, round_shift_wide, sat16};
use lockstep_arith::layer_norm::{SUM_LIMIT, clamp_sum, normalise, reciprocal_of_width};
use lockstep_arith::linear::Linear;
use lockstep_arith::rows::{Scale, Sign, quantize_row};
use lockstep_arith::sample::Random;
use proptest::prelude::*;

/// Rounds half up, by the definition.
fn half_up(numerator: i128, denominator: i128) -> i128 {
    (2 * numerator + denominator).div_euclid(2 * denominator)
}

#[test]
fn rounding_is_half_up_for_every_small_number_and_shift() {
    for s in 1..=12 {
        for x in -9000..=9000 {
            let expected = half_up(x.into(), 1 << s);
            assert_eq!(i128::from(round_shift(x, s)), expected, "{x} >> {s}");
            assert_eq!(i128::from(round_shift_wide(x.into(), s as u32)), expected);
        }
    }
    // Ties, computed by hand: they round up, also below zero.
    assert_eq!([round_shift(3, 1), round_shift(-3, 1), round_shift(-1, 1), round_shift(1, 1)], [2, -1, 0, 1]);
    assert_eq!([round_shift(-7, 0), round_shift(-7, -3)], [-7, -56]);
}

#[test]
fn products_fit_for_every_pair_of_edge_values() {
    let edges = [-32768, -32767, -16384, -1, 0, 1, 16383, 16384, 32766, 32767];
    for a in i16::MIN..=i16::MAX {
        for b in edges.into_iter().filter(|&b| b != -32768) {
            let expected = half_up(i128::from(a) * i128::from(b), 1 << 15);
            assert_eq!(i128::from(mul_q15(a, b)), expected, "{a} * {b}");
        }
    }
}

#[test]
fn saturation_and_lengths() {
    assert_eq!([sat16(-32769), sat16(-32768), sat16(32767), sat16(32768)], [-32768, -32768, 32767, 32767]);
    for x in 0..70_000_u32 {
        let expected = if x == 0 { 0 } else { x.ilog2() as i32 + 1 };
        assert_eq!(bit_length(x), expected);
    }
}

/// (35) of every length: half up, at most 2^-8 from the mean, and within 16 bits.
#[test]
fn means_are_rounded_and_fit() {
    for n in 1..=512_i64 {
        let ends = [-32768 * n, -32768 * n + 1, 32767 * n - 1, 32767 * n];
        let ties = (-3..=3).flat_map(|k| [k * n + n / 2 - 1, k * n + n / 2, k * n + n / 2 + 1]);
        for sum in ends.into_iter().chain(ties).filter(|sum| (-32768 * n..=32767 * n).contains(sum)) {
            let found = Pooling::Mean.row(sum as i32, n as usize);
            let error = (f64::from(found) - sum as f64 / n as f64).abs();
            assert!(error <= 0.5 + 1.0 / 256.0, "{sum} / {n}: {found}");
            assert!(i16::try_from(found).is_ok(), "{sum} / {n}: {found}");
        }
        // An exact half goes up where the reciprocal is exact.
        if n.count_ones() == 1 && n > 1 {
            assert_eq!(Pooling::Mean.row((3 * n + n / 2) as i32, n as usize), 4);
            assert_eq!(Pooling::Mean.row((-3 * n - n / 2) as i32, n as usize), -3);
        }
    }
    // Numbers that (33) never gives overflow nothing.
    assert_eq!([i32::MIN, i32::MAX].map(|x| Pooling::Mean.row(x, 1)), [i32::MIN, i32::MAX]);
    assert_eq!(Pooling::Cls.row(-32768, 9), -32768);
}

/// Weighted means of (33) of every length: half up, at most 2^-8 from the mean, and within 16 bits.
#[test]
fn weighted_means_are_rounded_and_fit() {
    for n in 1..=512_usize {
        let w = (n * (n + 1) / 2) as i64;
        for sum in [-32768 * w, -32768 * w + 1, -w / 2, 0, w / 2, 7 * w + 1, 32767 * w - 1, 32767 * w] {
            let found = Pooling::weighted(sum, n);
            let error = (f64::from(found) - sum as f64 / w as f64).abs();
            assert!(error <= 0.5 + 1.0 / 256.0, "{sum} / {w}: {found}");
            assert!(i16::try_from(found).is_ok(), "{sum} / {w}: {found}");
        }
        for x in [-32768, -1, 32767] {
            assert_eq!(Pooling::WeightedMean.pool(&vec![x; n], 1), [i32::from(x)], "{n}");
        }
    }
    assert_eq!(Pooling::WeightedMean.pool(&[3, -1, 8, 5, 0, -5], 2), [3, -1]);
    assert_eq!(Pooling::Max.pool(&[-3, -1, -9, 5, -4, -6], 2), [-3, 5]);
}

#[test]
fn square_roots_are_exact_around_every_square() {
    for root in 0..=65535_u32 {
        let square = root * root;
        assert_eq!(floor_sqrt(square), root);
        assert_eq!(floor_sqrt(square + 2 * root), root, "just below the next square");
        if square > 0 {
            assert_eq!(floor_sqrt(square - 1), root - 1);
        }
    }
    assert_eq!(floor_sqrt(u32::MAX), 65535);
}

/// (8) and (9) are within half a level plus the error of a reciprocal of 14 bits. Tested for every
/// maximum, with many values for each.
#[test]
fn rows_are_quantised_to_the_nearest_level() {
    for max in 1..=32767_u16 {
        let scale = Scale::of_max(max);
        assert!((0..=14).contains(&scale.shift) && scale.normalised() >= 16384);
        let step = (max / 37).max(1);
        for x in (0..=max).step_by(step.into()).chain([max]).map(|x| x as i16) {
            let exact = f64::from(x) * 127.0 / f64::from(max);
            let q = f64::from(scale.quantize(x, Sign::Signed));
            assert!((q - exact).abs() <= 0.5 + 0.02, "{x} of {max}: {q} for {exact}");
            let negative = f64::from(scale.quantize(-x, Sign::Signed));
            assert!((negative + exact).abs() <= 0.5 + 0.02 && negative >= -127.0);
            let exact = f64::from(x) * 255.0 / f64::from(max);
            let q = f64::from(scale.quantize(x, Sign::Unsigned)) + 128.0;
            assert!((q - exact).abs() <= 0.5 + 0.03, "{x} of {max}: {q} for {exact}");
        }
        assert_eq!(scale.quantize(max as i16, Sign::Signed), 127, "{max}");
        assert_eq!(scale.quantize(-(max as i16), Sign::Signed), -127, "{max}");
        assert_eq!(scale.quantize(max as i16, Sign::Unsigned), 127, "{max}");
        assert_eq!(scale.quantize(0, Sign::Unsigned), -128);
    }
}

#[test]
fn rows_at_their_edges() {
    let mut q = [9; 4];
    assert_eq!(quantize_row(&[0; 4], Sign::Signed, &mut q), Scale { max: 1, shift: 14 });
    assert_eq!(q, [0; 4]);
    assert_eq!(quantize_row(&[-32768, 32767, 0, 1], Sign::Signed, &mut q), Scale { max: 32767, shift: 0 });
    assert_eq!(q, [-127, 127, 0, 0]);
    assert_eq!(Scale::of([]), Scale { max: 1, shift: 14 });
}

#[test]
fn a_linear_layer_of_the_greatest_shape_stays_in_range() {
    for (sign, weight) in
        [(Sign::Signed, 63), (Sign::Signed, -63), (Sign::Unsigned, 63), (Sign::Unsigned, -63)]
    {
        for acc_shift in [0, 12] {
            for out_shift in [1, 17] {
                let layer = Linear {
                    inputs: 4096,
                    outputs: 1,
                    weights: vec![weight; 4096],
                    multipliers: vec![32767],
                    biases: vec![if weight > 0 { 1 << 21 } else { -(1 << 21) }],
                    acc_shift,
                    out_shift,
                    sign,
                };
                layer.validate("greatest").unwrap();
                // An overflow would panic: the profile of this test checks overflows.
                let y = i64::from(layer.forward(&[32767; 4096])[0]);
                assert_eq!(y > 0, weight > 0);
                let _ = layer.forward(&[1; 4096]);
            }
        }
    }
}

#[test]
fn requantisation_follows_its_equation() {
    let layer = Linear {
        inputs: 1,
        outputs: 1,
        weights: vec![0],
        multipliers: vec![20000],
        biases: vec![-7],
        acc_shift: 3,
        out_shift: 5,
        sign: Sign::Signed,
    };
    for acc in (-400_000..400_000).step_by(977) {
        for max in [1, 2, 1000, 16383, 16384, 32767] {
            let scale = Scale::of_max(max);
            let a = half_up(acc.into(), 8).clamp(-32768, 32767);
            let u = half_up(a * i128::from(scale.normalised()), 1 << 15);
            let y = half_up(u * 20000, 1 << (5 + scale.shift)) - 7;
            assert_eq!(i128::from(layer.requantize(acc, scale, 0)), y);
        }
    }
}

#[test]
fn normalised_rows_have_mean_0_and_variance_1() {
    let mut random = Random::new(3);
    for width in [32, 48, 312, 384, 768, 1024] {
        for range in [600, 5000, 200_000, SUM_LIMIT] {
            let sums: Vec<i32> = (0..width).map(|_| random.within(-range, range)).collect();
            let exact = exactly(&sums);
            let z = normalise(&sums);
            for (z, exact) in z.iter().zip(exact) {
                assert!(
                    (f64::from(*z) / 512.0 - exact).abs() < 0.02,
                    "width {width} range {range}: {z} {exact}"
                );
            }
        }
    }
}

fn exactly(sums: &[i32]) -> Vec<f64> {
    let n = sums.len() as f64;
    let mean = sums.iter().map(|&s| f64::from(s)).sum::<f64>() / n;
    let variance = sums.iter().map(|&s| (f64::from(s) - mean).powi(2)).sum::<f64>() / n;
    sums.iter().map(|&s| (f64::from(s) - mean) / variance.sqrt()).collect()
}

/// (12) to (17) in another way, with wide integers and divisions.
fn normalised_widely(sums: &[i32]) -> Vec<i128> {
    let width = sums.len() as i128;
    let r = half_up(1 << 32, width);
    let mean = half_up(sums.iter().map(|&s| i128::from(s)).sum::<i128>() * r, 1 << 32);
    let d: Vec<i128> = sums.iter().map(|&s| i128::from(s) - mean).collect();
    let greatest = d.iter().map(|d| d.abs()).max().unwrap().max(1);
    let e = greatest.ilog2() as i32 + 1;
    let scaled = |d: &i128| if e > 15 { half_up(*d, 1 << (e - 15)) } else { d << (15 - e) };
    let t: Vec<i128> = d.iter().map(|d| scaled(d).clamp(-32767, 32767)).collect();
    let ss: i128 = t.chunks_exact(2).map(|p| half_up(p[0] * p[0] + p[1] * p[1], 256)).sum();
    let sd = half_up(ss * r, 1 << 22).isqrt();
    let rho = ((1 << 25) / sd.max(1)).min(32767);
    t.iter().map(|t| half_up(t * rho, 1 << 15)).collect()
}

/// Rows with one outlier have a small deviation: every rounding before it changes the result.
#[test]
fn normalisation_follows_its_equations() {
    let mut random = Random::new(12);
    for i in 0..4000 {
        let width = [32, 34, 64, 384][i % 4];
        let outlier = 1 << random.within(6, 19);
        let mut sums: Vec<i32> =
            (0..width).map(|_| random.within(-outlier / 40 - 1, outlier / 30 + 2)).collect();
        sums[random.within(0, width - 1) as usize] = outlier;
        let found: Vec<i128> = normalise(&sums).into_iter().map(i128::from).collect();
        assert_eq!(found, normalised_widely(&sums), "{sums:?}");
    }
}

#[test]
fn normalisation_at_its_edges() {
    for value in [0, 1, -1, SUM_LIMIT, -SUM_LIMIT] {
        assert_eq!(normalise(&[value; 384]), vec![0; 384], "a constant row of {value}");
    }
    // One channel differs as much as it can: z reaches the square root of the width.
    for width in [32, 384, 1024] {
        let mut sums = vec![-SUM_LIMIT; width];
        sums[0] = SUM_LIMIT;
        let z = normalise(&sums);
        let greatest = ((width - 1) as f64).sqrt();
        assert!((f64::from(z[0]) / 512.0 - greatest).abs() < 0.05 * greatest, "{} {greatest}", z[0]);
    }
    // One half at the greatest, one half at the least number: the greatest sum of squares.
    let sums: Vec<i32> = (0..1024).map(|i| if i % 2 == 0 { SUM_LIMIT } else { -SUM_LIMIT }).collect();
    assert!(normalise(&sums).iter().all(|z| z.abs() == 512));
    assert_eq!([clamp_sum(i32::MAX), clamp_sum(i32::MIN)], [SUM_LIMIT, -SUM_LIMIT]);
    assert_eq!([reciprocal_of_width(384), reciprocal_of_width(32)], [11_184_811, 1 << 27]);
}

#[test]
fn the_exponential_is_close_and_falls_for_every_input() {
    let mut previous = exp2(0);
    assert_eq!(previous, 16383);
    for u in 0..=i16::MAX {
        let p = exp2(u);
        let exact = f64::powf(2.0, 14.0 - f64::from(u) / 1024.0);
        assert!((f64::from(p) - exact).abs() <= 0.0023 * exact + 0.51, "{u}: {p} for {exact}");
        assert!(p <= previous && p >= 0, "{u}: {p} after {previous}");
        previous = p;
    }
    assert_eq!(previous, 0);
}

#[test]
fn score_scales_are_normalised_for_every_size_of_operands() {
    let mut random = Random::new(5);
    for shift in [37, 50, 74] {
        for multiplier in [16384, 23170, 32767] {
            let scale = ScoreScale { multiplier, shift };
            for _ in 0..2000 {
                let [q, k] =
                    [0; 2].map(|_| random.within(1, 32767) >> random.within(0, 14)).map(|m| m.max(1));
                let head = scale.of_head(Scale::of_max(q as u16), Scale::of_max(k as u16));
                assert!((16384..=32767).contains(&head.factor) && (-8..=30).contains(&head.shift));
                if head.shift < 30 {
                    let exact = f64::from(q) * f64::from(k) * f64::from(multiplier) / f64::powi(2.0, shift);
                    let found = f64::from(head.factor) / f64::powi(2.0, 15 + head.shift);
                    assert!((found / exact - 1.0).abs() < 2.0_f64.powi(-13), "{q} {k}: {found} for {exact}");
                }
                // The greatest possible distance: two rows of 128 channels at opposite ends.
                let far = head.octaves(2 * 127 * 127 * 128);
                assert!(far >= 0 && head.octaves(0) == 0);
            }
        }
    }
}

#[test]
fn the_context_is_the_weighted_mean() {
    let value = Scale::of_max(20000);
    for sum in [16383, 16384, 32767, 32768, 100_000, 512 * 16383] {
        let scale = ContextScale::of(sum, value);
        for mean in -127..=127_i32 {
            let weighted = i64::from(mean) * i64::from(sum);
            let context = f64::from(scale.apply(weighted as i32));
            let exact = f64::from(mean) * 20000.0 / 256.0;
            assert!(
                (context - exact).abs() < 1.0 + exact.abs() * 2e-4,
                "sum {sum} mean {mean}: {context} for {exact}"
            );
        }
    }
}

#[test]
fn one_token_attends_to_itself() {
    let hidden = 64;
    let mut random = Random::new(8);
    let projected: Vec<i16> = (0..3 * hidden).map(|_| random.within(-30000, 30000) as i16).collect();
    let mut context = vec![0; hidden];
    let score = ScoreScale { multiplier: 20000, shift: 44 };
    for head in 0..2 {
        attend(&projected, hidden, head * 32, 32, score, &mut context);
    }
    for (j, context) in context.iter().enumerate() {
        let value = f64::from(projected[2 * hidden + j]) * 127.0 / 256.0;
        assert!((f64::from(*context) - value).abs() < 70.0, "channel {j}: {context} for {value}");
    }
}

#[test]
fn equal_keys_share_the_weight() {
    let (hidden, n) = (32, 512);
    let row: Vec<i16> = (0..3 * hidden).map(|j| (j as i16 - 48) * 300).collect();
    let projected: Vec<i16> = (0..n).flat_map(|_| row.clone()).collect();
    let mut context = vec![0; n * hidden];
    attend(&projected, hidden, 0, hidden, ScoreScale { multiplier: 32767, shift: 40 }, &mut context);
    let mut alone = vec![0; hidden];
    attend(&row, hidden, 0, hidden, ScoreScale { multiplier: 32767, shift: 40 }, &mut alone);
    for token in context.chunks_exact(hidden) {
        for (a, b) in token.iter().zip(&alone) {
            assert!((a - b).abs() <= 2, "{a} {b}");
        }
    }
}

#[test]
fn no_bump_is_relu() {
    let bump = Table { coefficients: [[0; SEGMENTS]; 3], fraction_bits: 10 };
    assert_eq!(least_offset(&bump), 0);
    let relu = Activation { bump, offset: 0, equaliser: vec![] };
    relu.validate("relu", 0).unwrap();
    for v in i16::MIN..=i16::MAX {
        assert_eq!(relu.activate(v), v.max(0));
    }
}

#[test]
fn what_is_out_of_range_is_named() {
    let mut layer = Linear {
        inputs: 2,
        outputs: 1,
        weights: vec![1, -64],
        multipliers: vec![1],
        biases: vec![0],
        acc_shift: 0,
        out_shift: 1,
        sign: Sign::Signed,
    };
    let message = |layer: &Linear| layer.validate("layer 2 output").unwrap_err().to_string();
    assert_eq!(message(&layer), "layer 2 output: weights[1] is -64, allowed: [-63, 63]");
    layer.weights[1] = 0;
    layer.out_shift = 18;
    assert_eq!(message(&layer), "layer 2 output: out_shift is 18, allowed: [1, 17]");
    layer.out_shift = 1;
    layer.biases.push(0);
    assert_eq!(message(&layer), "layer 2 output: length of biases is 2, allowed: 1");
}

proptest! {
    #[test]
    fn rounding_is_half_up_everywhere(x in -(1 << 30)..(1 << 30), s in 1..=30) {
        prop_assert_eq!(i128::from(round_shift(x, s)), half_up(x.into(), 1 << s));
    }

    #[test]
    fn a_row_keeps_its_order(mut row in proptest::collection::vec(any::<i16>(), 1..200)) {
        row.sort_unstable();
        let mut q = vec![0; row.len()];
        quantize_row(&row, Sign::Signed, &mut q);
        prop_assert!(q.is_sorted());
        prop_assert!(q.iter().all(|q| *q > -128));
    }

    #[test]
    fn a_context_lies_within_the_values(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let (hidden, n) = (32, 5);
        let projected: Vec<i16> = (0..n * 3 * hidden).map(|_| random.within(-9000, 9000) as i16).collect();
        let mut context = vec![0; n * hidden];
        attend(&projected, hidden, 0, hidden, ScoreScale { multiplier: 20000, shift: 44 }, &mut context);
        let limit = projected.iter().map(|x| x.unsigned_abs()).max().unwrap() / 2 + 2;
        prop_assert!(context.iter().all(|c| c.unsigned_abs() <= limit), "a mean of values is within them");
    }
}
