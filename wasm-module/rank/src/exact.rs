//! Turns integer vectors into floating-point numbers, with the same bits on every machine.
//!
//! Sums are exact integers. One conversion rounds to `f64`; after it come only `*`, `/` and `sqrt`,
//! in the order written here. IEEE 754 defines how each of these operations rounds.

/// `sum a[i] * b[i]`, exactly. If one vector is shorter, its missing numbers count as zeros.
pub fn dot(a: &[i32], b: &[i32]) -> i128 {
    let terms = a.len().min(b.len()) as u128;
    let bound = largest(a) * largest(b) * terms;
    let products = a.iter().zip(b).map(|(&a, &b)| i64::from(a) * i64::from(b));
    // Both branches give the same integer. The first adds in 64 bits, where no sum can overflow.
    if bound <= i64::MAX as u128 { i128::from(products.sum::<i64>()) } else { products.map(i128::from).sum() }
}

/// The largest magnitude, at most 2^31.
fn largest(vector: &[i32]) -> u128 {
    vector.iter().map(|value| u128::from(value.unsigned_abs())).max().unwrap_or(0)
}

/// The cosine of the angle between two vectors whose squared norms are `norm_a` and `norm_b`:
/// `f64(a . b) / sqrt(f64(a . a) * f64(b . b))`, limited to -1..=1, and 0 for a vector of zeros.
///
/// The cosine of a vector with itself is exactly 1: `sqrt(x * x)` is `x` if `x * x` stays in range,
/// and squared norms are below 2^100.
pub fn cosine(dot: i128, norm_a: i128, norm_b: i128) -> f64 {
    let product = norm_a as f64 * norm_b as f64;
    if product <= 0.0 {
        return 0.0;
    }
    (dot as f64 / product.sqrt()).clamp(-1.0, 1.0)
}

/// The squared norm `v . v`.
pub(crate) fn norm(vector: &[i32]) -> i128 {
    dot(vector, vector)
}

/// [`cosine`] of two vectors, given their squared norms.
pub(crate) fn similarity(a: &[i32], norm_a: i128, b: &[i32], norm_b: i128) -> f64 {
    // |a . b| <= sqrt(norm_a * norm_b) holds for the vectors and for every pair of their parts. So
    // if both norms fit into 64 bits, every partial sum does.
    let product = if norm_a.max(norm_b) <= i128::from(i64::MAX) {
        let products = a.iter().zip(b).map(|(&a, &b)| i64::from(a) * i64::from(b));
        i128::from(products.fold(0, i64::wrapping_add))
    } else {
        dot(a, b)
    };
    cosine(product, norm_a, norm_b)
}

/// The vector divided by its length, each value `f32(f64(v) / sqrt(f64(v . v)))`; zeros stay zeros.
pub fn unit_vector(vector: &[i32]) -> Vec<f32> {
    let norm = dot(vector, vector);
    if norm == 0 {
        return vec![0.0; vector.len()];
    }
    let length = (norm as f64).sqrt();
    vector.iter().map(|&value| (f64::from(value) / length) as f32).collect()
}

/// The vector in the model's own units, each value `f32(f64(v) * scale)`.
pub fn scaled_vector(vector: &[i32], scale: f64) -> Vec<f32> {
    vector.iter().map(|&value| (f64::from(value) * scale) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cosine_of(a: &[i32], b: &[i32]) -> f64 {
        cosine(dot(a, b), dot(a, a), dot(b, b))
    }

    #[test]
    fn a_known_triangle() {
        assert_eq!(cosine_of(&[3, 4], &[4, 3]), 24.0 / 25.0);
        assert_eq!(cosine_of(&[1, 0], &[0, 1]), 0.0);
        assert_eq!(cosine_of(&[2, 0], &[-5, 0]), -1.0);
        assert_eq!(cosine_of(&[0, 0], &[3, 4]), 0.0);
        assert_eq!(unit_vector(&[3, -4]), [0.6, -0.8]);
        assert_eq!(unit_vector(&[0, 0]), [0.0, 0.0]);
        assert_eq!(scaled_vector(&[3, -4], 0.5), [1.5, -2.0]);
    }

    /// Without the limit, rounding gives values above 1 here, for example
    /// `f64(3 n) / sqrt(f64(n) * f64(9 n))` with some `n` beyond 2^53.
    #[test]
    fn parallel_vectors_never_pass_one() {
        let mut past_one = 0;
        for norm in (1..2_000).map(|n: i128| n * 1_000_000_007 * 1_000_000_009 + 1) {
            for factor in [3, 5, 7, -11] {
                let (dot, other) = (factor * norm, factor * factor * norm);
                let raw = dot as f64 / (norm as f64 * other as f64).sqrt();
                past_one += u32::from(raw.abs() > 1.0);
                assert!(cosine(dot, norm, other).abs() <= 1.0);
            }
        }
        assert!(past_one > 0, "without such a case the test tests nothing");
    }

    #[test]
    fn the_extremes_do_not_overflow() {
        let low = vec![i32::MIN; 4096];
        let high = vec![i32::MAX; 4096];
        assert_eq!(dot(&low, &low), 4096 << 62);
        assert_eq!(cosine_of(&low, &low), 1.0);
        assert!(cosine_of(&low, &high) <= -0.999_999_999);
        assert_eq!(unit_vector(&low), vec![-1.0 / 64.0; 4096]);
    }

    proptest! {
        #[test]
        fn a_dot_product_is_the_wide_sum(
            pairs in prop::collection::vec((any::<i32>(), any::<i32>()), 0..9),
            shift in 0u32..31,
        ) {
            let a: Vec<i32> = pairs.iter().map(|pair| pair.0 >> shift).collect();
            let b: Vec<i32> = pairs.iter().map(|pair| pair.1 >> shift).collect();
            let wide: i128 = a.iter().zip(&b).map(|(&a, &b)| i128::from(a) * i128::from(b)).sum();
            prop_assert_eq!(dot(&a, &b), wide);
        }

        #[test]
        fn a_cosine_is_symmetric_bounded_and_one_with_itself(
            pairs in prop::collection::vec((any::<i32>(), any::<i32>()), 1..40),
            shift in 0u32..31,
        ) {
            let (a, b): (Vec<i32>, Vec<i32>) =
                pairs.into_iter().map(|(a, b)| (a >> shift, b >> shift)).unzip();
            let quick = similarity(&a, dot(&a, &a), &b, dot(&b, &b));
            prop_assert_eq!(quick.to_bits(), cosine_of(&a, &b).to_bits());
            prop_assert_eq!(cosine_of(&a, &b).to_bits(), cosine_of(&b, &a).to_bits());
            prop_assert!((-1.0..=1.0).contains(&cosine_of(&a, &b)));
            let itself = if dot(&a, &a) == 0 { 0.0 } else { 1.0 };
            prop_assert_eq!(cosine_of(&a, &a), itself);
        }
    }
}
