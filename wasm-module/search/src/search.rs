//! The search: the scan by several threads, then the decision.

use std::cmp::Ordering;
use std::num::NonZeroUsize;
use std::sync::atomic::{self, AtomicUsize};

use lockstep_rank::rank::Scored;

use crate::{
    candidates::{Candidate, Candidates},
    catalogue::{Block, Catalogue},
    history::{Entry, History},
    scan::{ROWS, Scan},
};

/// An item of the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its number in the catalogue.
    pub row: usize,
    /// Its score and its reasons.
    pub scored: Scored,
}

/// What is looked for.
pub struct Wanted<'a> {
    /// How many items; the answer has fewer if fewer are allowed.
    pub top_n: usize,
    /// Whether the item of a row may be in the answer. It is asked only for items that may be among
    /// the best, by several threads.
    pub allowed: &'a (dyn Fn(usize) -> bool + Sync),
    /// The order of two rows with equal scores: that of their ids. It must be total.
    pub order: &'a dyn Fn(usize, usize) -> Ordering,
    /// Threads that scan; the caller's is one of them.
    pub threads: NonZeroUsize,
}

/// The best allowed items, the best first; of equal scores in the caller's order. See the crate's
/// documentation.
///
/// # Panics
/// If the vectors of the history and of the catalogue differ in length.
#[must_use]
pub fn best(catalogue: &Catalogue, history: &History, wanted: &Wanted<'_>) -> Vec<Found> {
    let top_n = wanted.top_n.min(catalogue.rows());
    if top_n == 0 {
        return Vec::new();
    }
    assert_eq!(catalogue.width(), Some(history.width), "vectors of one length");
    let blocks = catalogue.blocks(ROWS);
    let entries = history.scanned();
    let next = AtomicUsize::new(0);
    let scan = || scan(&blocks, &next, history, &entries, top_n, wanted.allowed);
    let threads = wanted.threads.get().min(blocks.len());
    let candidates = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(scan)).collect();
        let mut all = vec![scan()];
        for other in others {
            // A thread panics only if `allowed` does; the caller then gets the same panic.
            all.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        all
    });
    decide(catalogue, history, Candidates::merged(candidates, top_n), top_n, wanted.order)
}

/// Scans blocks until none is left.
fn scan(
    blocks: &[Block<'_>],
    next: &AtomicUsize,
    history: &History,
    entries: &[Entry],
    top_n: usize,
    allowed: &dyn Fn(usize) -> bool,
) -> Candidates {
    let mut scan = Scan::new(history, entries);
    let mut candidates = Candidates::new(top_n);
    // The numbers carry no data from thread to thread.
    while let Some(block) = blocks.get(next.fetch_add(1, atomic::Ordering::Relaxed)) {
        scan.offer(block, allowed, &mut candidates);
    }
    candidates
}

/// Scores candidates, the most promising first, until no other can be among the best.
fn decide(
    catalogue: &Catalogue,
    history: &History,
    candidates: Vec<Candidate>,
    top_n: usize,
    order: &dyn Fn(usize, usize) -> Ordering,
) -> Vec<Found> {
    let mut vector = vec![0; history.width];
    let better =
        |a: &Found, b: &Found| b.scored.score.total_cmp(&a.scored.score).then_with(|| order(a.row, b.row));
    let mut found: Vec<Found> = Vec::new();
    let mut least = f64::NEG_INFINITY;
    for candidate in candidates {
        if f64::from(candidate.upper) < least {
            break;
        }
        catalogue.read(candidate.row, &mut vector);
        found.push(Found { row: candidate.row, scored: history.score(&vector) });
        if found.len() >= 2 * top_n {
            found.sort_unstable_by(better);
            found.truncate(top_n);
            least = found[top_n - 1].scored.score;
        }
    }
    found.sort_unstable_by(better);
    found.truncate(top_n);
    found
}
