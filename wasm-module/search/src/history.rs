//! The person that the items are for.

use lockstep_kernels::Kernel;
use lockstep_rank::{
    cosine,
    rank::{Scored, score},
};

/// Compact vectors of the texts that a person liked, with their weights.
#[derive(Debug, Clone)]
pub struct History {
    pub(crate) kernel: Kernel,
    pub(crate) width: usize,
    /// `[entries, width]`.
    pub(crate) vectors: Vec<i16>,
    norms: Vec<i64>,
    weights: Vec<f64>,
}

/// An entry, as the scan sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// `128 * sum q[j]` of (45).
    pub(crate) offset: i64,
    /// The weight beside the heaviest one, divided by `norm(q)`; 0 for a vector of zeros.
    pub(crate) scale: f32,
}

impl History {
    /// `vectors` is `[entries, width]`, compact; `weights` has a number for each entry, finite and
    /// above 0.
    ///
    /// # Panics
    /// If `width` is 0, or if the two numbers of entries differ.
    #[must_use]
    pub fn new(width: usize, vectors: Vec<i16>, weights: Vec<f64>) -> Self {
        assert_eq!(vectors.len(), width * weights.len(), "a vector for each weight");
        let kernel = Kernel::new();
        let mut norms = vec![0; weights.len()];
        for (vector, norm) in vectors.chunks_exact(width).zip(norms.chunks_exact_mut(1)) {
            kernel.dots(vector, vector, norm);
        }
        Self { kernel, width, vectors, norms, weights }
    }

    /// The number of entries.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.weights.len()
    }

    /// The compact vectors, `[entries, width]`.
    #[must_use]
    pub fn vectors(&self) -> &[i16] {
        &self.vectors
    }

    /// The score of an item with a compact vector, and its reasons.
    ///
    /// # Panics
    /// If the vector has another length than those of the history.
    #[must_use]
    pub fn score(&self, item: &[i16]) -> Scored {
        let mut norm = [0];
        self.kernel.dots(item, item, &mut norm);
        let mut products = vec![0; self.entries()];
        self.kernel.dots(item, &self.vectors, &mut products);
        let pairs = products.into_iter().zip(&self.norms);
        let similarities: Vec<f64> = pairs.map(|(dot, &other)| cosine(dot, norm[0], other)).collect();
        score(&similarities, &self.weights)
    }

    /// The entries for the scan.
    pub(crate) fn scanned(&self) -> Vec<Entry> {
        let heaviest = self.weights.iter().copied().fold(0.0, f64::max);
        let vectors = self.vectors.chunks_exact(self.width);
        let entry = |((vector, &norm), &weight): ((&[i16], &i64), &f64)| Entry {
            offset: 128 * vector.iter().map(|&q| i64::from(q)).sum::<i64>(),
            scale: if norm == 0 { 0.0 } else { (weight / heaviest / (norm as f64).sqrt()) as f32 },
        };
        vectors.zip(&self.norms).zip(&self.weights).map(entry).collect()
    }
}
