//! The first pass: estimates of the scores of all items of a block.

use lockstep_rank::rank::REASONS;

use crate::{
    candidates::Candidates,
    catalogue::Block,
    history::{Entry, History},
};

/// Rows of a block: with vectors of 384 numbers a block stays in the second cache for all entries.
pub(crate) const ROWS: usize = 512;

/// What the sum of so many numbers is multiplied by for their mean.
const MEANS: [f32; REASONS + 1] = [1.0, 1.0, 1.0 / 2.0, 1.0 / 3.0];

/// Entries that share the loads of a row.
const TOGETHER: usize = 4;

/// One thread's scan.
pub(crate) struct Scan<'a> {
    history: &'a History,
    entries: &'a [Entry],
    /// `[TOGETHER, ROWS]`.
    products: Vec<i64>,
    /// For each row the largest estimates, the largest first.
    largest: [[f32; ROWS]; REASONS],
}

impl<'a> Scan<'a> {
    pub(crate) fn new(history: &'a History, entries: &'a [Entry]) -> Self {
        let largest = [[f32::NEG_INFINITY; ROWS]; REASONS];
        Self { history, entries, products: vec![0; TOGETHER * ROWS], largest }
    }

    /// Offers the rows of a block. `allowed` tells by its number whether a row may be shown.
    pub(crate) fn offer(
        &mut self,
        block: &Block<'_>,
        allowed: &dyn Fn(usize) -> bool,
        candidates: &mut Candidates,
    ) {
        let reasons = self.entries.len().min(REASONS);
        self.estimate(block);
        let bounds = &block.segment.bounds[block.rows.clone()];
        for (at, bound) in bounds.iter().enumerate() {
            let estimate = self.mean(at, reasons);
            let row = block.first + at;
            if estimate + bound.radius >= candidates.threshold() && allowed(row) {
                candidates.add(row, estimate - bound.radius, estimate + bound.radius);
            }
        }
    }

    /// The estimate of a row's score: the mean of its largest estimates.
    #[inline]
    fn mean(&self, at: usize, reasons: usize) -> f32 {
        let largest = self.largest[..reasons].iter().map(|largest| largest[at]);
        largest.fold(0.0, |sum, largest| sum + largest) * MEANS[reasons]
    }

    /// Finds the largest estimates of each row.
    fn estimate(&mut self, block: &Block<'_>) {
        let (count, width) = (block.rows.len(), self.history.width);
        let high = block.segment.high(block.rows.clone());
        let bounds = &block.segment.bounds[block.rows.clone()];
        self.largest.iter_mut().for_each(|largest| largest[..count].fill(f32::NEG_INFINITY));
        let groups = self.history.vectors.chunks(TOGETHER * width).zip(self.entries.chunks(TOGETHER));
        for (vectors, entries) in groups {
            let products = &mut self.products[..entries.len() * count];
            self.history.kernel.high_dots(vectors, width, high, products);
            for (entry, products) in entries.iter().zip(products.chunks_exact(count)) {
                let [first, second, third] = &mut self.largest;
                let largest = first.iter_mut().zip(second).zip(third);
                for (((a, b), c), (&product, bound)) in largest.zip(products.iter().zip(bounds)) {
                    let x = (256 * product + entry.offset) as f32 * bound.scale * entry.scale;
                    // `x` pushes a smaller number down, and that one the next.
                    let (first, x) = sorted(*a, x);
                    let (second, x) = sorted(*b, x);
                    (*a, *b, *c) = (first, second, sorted(*c, x).0);
                }
            }
        }
    }
}

/// The larger number first. The bounds have no NaN.
#[inline]
fn sorted(a: f32, b: f32) -> (f32, f32) {
    if a > b { (a, b) } else { (b, a) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::sync::Arc;

    use crate::{catalogue::Catalogue, segment::Segment};
    use lockstep_arith::item::compact;
    use lockstep_arith::sample::Random;

    /// Vectors in which the bounds are wide or narrow, and ordinary ones.
    fn vector(random: &mut Random, width: usize) -> Vec<i16> {
        let pooled: Vec<i32> = match random.within(0, 5) {
            // The low parts are all 0, all 255, or in the middle.
            0 => (0..width).map(|_| 256 * random.within(-127, 127)).collect(),
            1 => (0..width).map(|_| 256 * random.within(-127, 126) + 255).collect(),
            2 => (0..width).map(|_| 256 * random.within(-127, 126) + 128).collect(),
            // One large number and many small ones.
            3 => (0..width).map(|at| if at == 0 { 32767 } else { random.within(-3, 3) }).collect(),
            4 => vec![0; width],
            _ => (0..width).map(|_| random.within(-32767, 32767)).collect(),
        };
        compact(&pooled)
    }

    #[test]
    fn the_bounds_hold_for_every_row() {
        let mut random = Random::new(45);
        for width in [1, 3, 16, 33, 384, 600, 1 << 14] {
            for count in [1, 2, 3, 4, 7] {
                let rows: Vec<i16> = (0..40).flat_map(|_| vector(&mut random, width)).collect();
                let mut liked: Vec<i16> = (1..count).flat_map(|_| vector(&mut random, width)).collect();
                // The last entry is the opposite of a row.
                liked.extend(rows[..width].iter().map(|c| -c));
                let weights = (0..count).map(|_| f64::from(random.within(1, 9)) / 4.0).collect();
                let catalogue = Catalogue::new(vec![Arc::new(Segment::of(width, &rows).unwrap())]);
                let history = History::new(width, liked, weights);
                let entries = history.scanned();
                let mut scan = Scan::new(&history, &entries);
                for block in catalogue.blocks(ROWS) {
                    scan.estimate(&block);
                    let reasons = entries.len().min(REASONS);
                    for (at, row) in rows.chunks(width).enumerate() {
                        let mean = scan.mean(at, reasons);
                        let score = history.score(row).score;
                        let radius = block.segment.bounds[at].radius;
                        let (lower, upper) = (f64::from(mean - radius), f64::from(mean + radius));
                        assert!(lower <= score && score <= upper, "{lower} {score} {upper}");
                    }
                }
            }
        }
    }
}
