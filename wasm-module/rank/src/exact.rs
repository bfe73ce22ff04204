//! Turns integer vectors into floating-point numbers, with the same bits on every machine.
//!
//! Sums are exact integers. One conversion rounds to `f64`; after it come only `*`, `/` and `sqrt`,
//! in the order written here. IEEE 754 defines how each of these operations rounds.
//!
//! Texts are compared by their compact vectors, so that a stored vector and a fresh one have the
//! same similarity. The vectors that clients get have all bits of the pooled integers.

/// (42) The cosine of two compact vectors with the product `dot` and the squared norms `norm_a` and
/// `norm_b`: `f64(a . b) / sqrt(f64(a . a) * f64(b . b))`, and 0 for a vector of zeros.
///
/// The three numbers are those of two vectors and below 2^53. So the result lies in -1..=1, and it
/// is 1 or -1 for parallel vectors: see `SPEC.md`. With the same norms, a larger product never has
/// a smaller cosine, because each step is monotonic.
pub fn cosine(dot: i64, norm_a: i64, norm_b: i64) -> f64 {
    let product = norm_a as f64 * norm_b as f64;
    if product <= 0.0 {
        return 0.0;
    }
    dot as f64 / product.sqrt()
}

/// The squared norm `v . v` of pooled integers.
fn norm(vector: &[i32]) -> i128 {
    vector.iter().map(|&value| i128::from(i64::from(value) * i64::from(value))).sum()
}

/// The pooled integers divided by their length, each value `f32(f64(v) / sqrt(f64(v . v)))`; zeros
/// stay zeros.
pub fn unit_vector(vector: &[i32]) -> Vec<f32> {
    let norm = norm(vector);
    if norm == 0 {
        return vec![0.0; vector.len()];
    }
    let length = (norm as f64).sqrt();
    vector.iter().map(|&value| (f64::from(value) / length) as f32).collect()
}

/// The pooled integers in the model's own units, each value `f32(f64(v) * scale)`.
pub fn scaled_vector(vector: &[i32], scale: f64) -> Vec<f32> {
    vector.iter().map(|&value| (f64::from(value) * scale) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_arith::item::{LARGEST, dot};
    use proptest::prelude::*;

    fn cosine_of(a: &[i16], b: &[i16]) -> f64 {
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

    /// Parallel vectors, and those with the largest product below: a rounded quotient could pass 1.
    #[test]
    fn parallel_vectors_have_the_cosine_one_and_no_others_pass_it() {
        for norm in (1..2_000).map(|n: i64| n * 1_000_003 + 1) {
            for factor in [1, 3, 5, 7, 11] {
                let other = factor * factor * norm;
                assert_eq!(cosine(factor * norm, norm, other), 1.0);
                assert_eq!(cosine(-factor * norm, norm, other), -1.0);
            }
            for other in norm + 1..norm + 40 {
                let largest = (i128::from(norm) * i128::from(other)).isqrt() as i64;
                assert!(cosine(largest, norm, other) <= 1.0, "{norm} {other}");
            }
        }
    }

    #[test]
    fn the_extremes_do_not_overflow() {
        assert_eq!(cosine_of(&[-LARGEST; 4096], &[-LARGEST; 4096]), 1.0);
        assert_eq!(cosine_of(&[-LARGEST; 4096], &[LARGEST; 4096]), -1.0);
        assert_eq!(unit_vector(&vec![i32::MIN; 4096]), vec![-1.0 / 64.0; 4096]);
    }

    fn compact_vector() -> impl Strategy<Value = Vec<i16>> {
        prop::collection::vec(-LARGEST..=LARGEST, 1..40)
    }

    proptest! {
        #[test]
        fn a_cosine_is_symmetric_bounded_and_one_with_itself(
            a in compact_vector(), b in compact_vector(), shift in 0u32..15,
        ) {
            let b: Vec<i16> = b.iter().map(|b| b >> shift).collect();
            prop_assert_eq!(cosine_of(&a, &b).to_bits(), cosine_of(&b, &a).to_bits());
            prop_assert!((-1.0..=1.0).contains(&cosine_of(&a, &b)));
            let itself = if dot(&b, &b) == 0 { 0.0 } else { 1.0 };
            prop_assert_eq!(cosine_of(&b, &b), itself);
        }

        #[test]
        fn a_larger_product_never_has_a_smaller_cosine(
            dot in -(1i64 << 40)..1 << 40, more in 0i64..99, norms in (1i64..1 << 41, 1i64..1 << 41),
        ) {
            let (a, b) = norms;
            prop_assert!(cosine(dot, a, b) <= cosine(dot + more, a, b));
        }
    }
}
