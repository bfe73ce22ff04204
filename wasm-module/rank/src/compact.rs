//! The compact vectors of texts, and their similarities: section 11 of `SPEC.md`.

use std::ops::Range;

use lockstep_kernels::Kernel;

use crate::{encoder::Encoded, exact::cosine};

/// (40) of pooled integers.
pub(crate) fn compact(pooled: &[i32]) -> Vec<i16> {
    let mut compact = vec![0; pooled.len()];
    Kernel::new().compact(pooled, &mut compact);
    compact
}

/// The compact vectors of the texts that a request compares, one row for each text.
pub(crate) struct Compact {
    kernel: Kernel,
    width: usize,
    /// (40): `[texts, width]`.
    rows: Vec<i16>,
    /// The squared norm of each row.
    norms: Vec<i64>,
}

impl Compact {
    /// (40) of the pooled integers of each text. All texts have as many integers.
    pub(crate) fn of(encoded: &[Encoded]) -> Self {
        let kernel = Kernel::new();
        let width = encoded.first().map_or(0, |one| one.vector.len());
        let mut rows = vec![0; encoded.len() * width];
        let mut norms = vec![0; encoded.len()];
        if width > 0 {
            let each = rows.chunks_exact_mut(width).zip(norms.chunks_exact_mut(1)).zip(encoded);
            for ((row, norm), one) in each {
                kernel.compact(&one.vector, row);
                kernel.dots(row, row, norm);
            }
        }
        Self { kernel, width, rows, norms }
    }

    /// Compact vectors, `[texts, width]`.
    pub(crate) fn of_rows(width: usize, rows: Vec<i16>) -> Self {
        let kernel = Kernel::new();
        let mut norms = vec![0; rows.len().checked_div(width).unwrap_or(0)];
        if width > 0 {
            for (row, norm) in rows.chunks_exact(width).zip(norms.chunks_exact_mut(1)) {
                kernel.dots(row, row, norm);
            }
        }
        Self { kernel, width, rows, norms }
    }

    /// (42) of one text and each of the texts in `others`.
    pub(crate) fn similarities(&self, text: usize, others: Range<usize>) -> Vec<f64> {
        let mut products = vec![0; others.len()];
        self.products(text, others.clone(), &mut products);
        let pairs = products.into_iter().zip(&self.norms[others]);
        pairs.map(|(product, &norm)| cosine(product, self.norms[text], norm)).collect()
    }

    /// (42) of two texts.
    pub(crate) fn similarity(&self, a: usize, b: usize) -> f64 {
        let mut product = [0];
        self.products(a, b..b + 1, &mut product);
        cosine(product[0], self.norms[a], self.norms[b])
    }

    /// (41) of one text and each of the texts in `others`.
    fn products(&self, text: usize, others: Range<usize>, out: &mut [i64]) {
        let row = |index: usize| index * self.width;
        if self.width > 0 {
            let others = &self.rows[row(others.start)..row(others.end)];
            self.kernel.dots(&self.rows[row(text)..row(text + 1)], others, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_arith::item::{compact, dot};

    fn encoded(vector: &[i32]) -> Encoded {
        Encoded { vector: vector.to_vec(), tokens: 1, truncated: false }
    }

    #[test]
    fn similarities_are_those_of_the_reference() {
        let pooled = [[3, 4, -70_000], [0, 0, 0], [i32::MIN, i32::MAX, 5], [4, 3, 9]];
        let texts = Compact::of(&pooled.map(|vector| encoded(&vector)));
        for a in 0..pooled.len() {
            let expected: Vec<f64> = (1..pooled.len())
                .map(|b| {
                    let (a, b) = (compact(&pooled[a]), compact(&pooled[b]));
                    cosine(dot(&a, &b), dot(&a, &a), dot(&b, &b))
                })
                .collect();
            assert_eq!(texts.similarities(a, 1..pooled.len()), expected);
            for (b, expected) in (1..).zip(expected) {
                assert_eq!(texts.similarity(a, b), expected);
            }
        }
    }

    #[test]
    fn texts_without_a_vector_are_unlike() {
        assert_eq!(Compact::of(&[encoded(&[]), encoded(&[])]).similarities(0, 1..2), [0.0]);
        assert!(Compact::of(&[encoded(&[1])]).similarities(0, 1..1).is_empty());
    }
}
