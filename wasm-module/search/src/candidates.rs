//! The items that may be among the best, as far as the bounds of their scores tell.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Candidates beyond which those are dropped that have fallen behind.
const MANY: usize = 4096;

/// The candidates for `top_n` places, at least 1.
#[derive(Debug)]
pub(crate) struct Candidates {
    top_n: usize,
    /// The largest lower bounds, at most `top_n`; the smallest of them on top.
    lower: BinaryHeap<Reverse<Bound>>,
    list: Vec<Candidate>,
    /// The length of the list at which those that have fallen behind are dropped.
    full: usize,
}

/// An item, and what its score is at most.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) row: usize,
    pub(crate) upper: f32,
}

/// A bound in the total order of `f32`.
#[derive(Debug, Clone, Copy)]
struct Bound(f32);

impl Ord for Bound {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Bound {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Bound {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Bound {}

impl Candidates {
    pub(crate) fn new(top_n: usize) -> Self {
        Self { top_n, lower: BinaryHeap::new(), list: Vec::new(), full: MANY }
    }

    /// An item whose upper bound is smaller is not among the best.
    #[inline]
    pub(crate) fn threshold(&self) -> f32 {
        match self.lower.peek() {
            Some(Reverse(Bound(least))) if self.lower.len() == self.top_n => *least,
            _ => f32::NEG_INFINITY,
        }
    }

    /// Adds an item whose score lies in `lower..=upper`.
    pub(crate) fn add(&mut self, row: usize, lower: f32, upper: f32) {
        self.raise(Bound(lower));
        self.list.push(Candidate { row, upper });
        if self.list.len() >= self.full {
            self.drop_behind();
            self.full = MANY.max(2 * self.list.len());
        }
    }

    /// All candidates of several scans, the most promising first.
    pub(crate) fn merged(all: Vec<Self>, top_n: usize) -> Vec<Candidate> {
        let mut merged = Self::new(top_n);
        for one in all {
            one.lower.into_iter().for_each(|Reverse(lower)| merged.raise(lower));
            merged.list.extend(one.list);
        }
        merged.drop_behind();
        merged.list.sort_unstable_by(|a, b| b.upper.total_cmp(&a.upper).then(a.row.cmp(&b.row)));
        merged.list
    }

    fn raise(&mut self, lower: Bound) {
        if self.lower.len() < self.top_n {
            self.lower.push(Reverse(lower));
        } else if self.lower.peek().is_some_and(|Reverse(least)| *least < lower) {
            self.lower.pop();
            self.lower.push(Reverse(lower));
        }
    }

    fn drop_behind(&mut self) {
        let threshold = self.threshold();
        self.list.retain(|candidate| candidate.upper >= threshold);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(candidates: Vec<Candidates>, top_n: usize) -> Vec<usize> {
        Candidates::merged(candidates, top_n).into_iter().map(|candidate| candidate.row).collect()
    }

    #[test]
    fn an_item_stays_while_its_upper_bound_reaches_the_places() {
        let mut candidates = Candidates::new(2);
        assert_eq!(candidates.threshold(), f32::NEG_INFINITY);
        candidates.add(7, 0.5, 0.7);
        assert_eq!(candidates.threshold(), f32::NEG_INFINITY, "one item does not fill two places");
        candidates.add(8, 0.3, 0.5);
        candidates.add(9, 0.1, 0.3);
        assert_eq!(candidates.threshold(), 0.3);
        candidates.add(10, 0.4, 0.6);
        assert_eq!(candidates.threshold(), 0.4);
        assert_eq!(rows(vec![candidates], 2), [7, 10, 8], "8 may have 0.5, and 9 is behind");
    }

    #[test]
    fn scans_are_judged_together() {
        let scan = |row: usize, lower: f32| {
            let mut candidates = Candidates::new(1);
            candidates.add(row, lower, lower + 0.1);
            candidates
        };
        assert_eq!(rows(vec![scan(0, 0.5), scan(1, 0.9), scan(2, 0.85)], 1), [1, 2]);
    }

    #[test]
    fn items_that_rise_all_the_time_do_not_pile_up() {
        let mut candidates = Candidates::new(3);
        for row in 0..100_000 {
            candidates.add(row, row as f32, row as f32 + 0.5);
            assert!(candidates.list.len() <= MANY);
        }
        assert_eq!(rows(vec![candidates], 3), [99_999, 99_998, 99_997]);
    }
}
