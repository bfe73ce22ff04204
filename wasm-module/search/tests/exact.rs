//! Compares the search with a full scan of the reference, by `==`.
#![allow(clippy::unwrap_used)]

use std::cmp::Ordering;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lockstep_arith::item::{LARGEST, compact, dot};
use lockstep_arith::sample::Random;
use lockstep_rank::{cosine, rank::score};
use lockstep_search::{Catalogue, Found, History, Segment, SegmentError, Wanted, best};
use proptest::prelude::*;

/// A catalogue and a history, with what the search is asked for.
struct Case {
    width: usize,
    /// `[items, width]`.
    items: Vec<i16>,
    /// `[entries, width]`.
    liked: Vec<i16>,
    weights: Vec<f64>,
    top_n: usize,
}

/// The items whose rows have this remainder are hidden.
const HIDDEN: usize = 3;

fn allowed(row: usize) -> bool {
    row % 7 != HIDDEN
}

/// The ids run against the rows.
fn order(a: usize, b: usize) -> Ordering {
    b.cmp(&a)
}

impl Case {
    /// Scores every item with the reference alone, and sorts all.
    fn full_scan(&self) -> Vec<Found> {
        let liked: Vec<&[i16]> = self.liked.chunks(self.width).collect();
        let items = self.items.chunks(self.width).enumerate().filter(|(row, _)| allowed(*row));
        let mut all: Vec<Found> = items
            .map(|(row, item)| {
                let one = |entry: &&[i16]| cosine(dot(item, entry), dot(item, item), dot(entry, entry));
                let similarities: Vec<f64> = liked.iter().map(one).collect();
                Found { row, scored: score(&similarities, &self.weights) }
            })
            .collect();
        all.sort_by(|a, b| {
            b.scored.score.partial_cmp(&a.scored.score).unwrap().then_with(|| order(a.row, b.row))
        });
        all.truncate(self.top_n);
        all
    }

    fn search(&self, segments: usize, threads: usize) -> Vec<Found> {
        let rows = self.items.len() / self.width;
        let size = rows.div_ceil(segments).max(1) * self.width;
        let segments = self.items.chunks(size).map(|part| Arc::new(Segment::of(self.width, part).unwrap()));
        let catalogue = Catalogue::new(segments.collect());
        let history = History::new(self.width, self.liked.clone(), self.weights.clone());
        let threads = NonZeroUsize::new(threads).unwrap();
        let wanted = Wanted { top_n: self.top_n, allowed: &allowed, order: &order, threads };
        best(&catalogue, &history, &wanted)
    }

    fn check(&self) {
        let expected = self.full_scan();
        for (segments, threads) in [(1, 1), (1, 3), (4, 2)] {
            assert_eq!(self.search(segments, threads), expected, "{segments} segments, {threads} threads");
        }
    }
}

fn ordinary(random: &mut Random, width: usize) -> Vec<i16> {
    let pooled: Vec<i32> = (0..width).map(|_| random.within(-9999, 9999)).collect();
    compact(&pooled)
}

/// A vector near another one: numbers that are not at the ends move by at most `by`.
fn near(random: &mut Random, vector: &[i16], by: i32) -> Vec<i16> {
    let inner = i32::from(LARGEST) - by;
    let moved = |&c: &i16| match i32::from(c) {
        c if c.abs() > inner => c,
        c => c + random.within(-by, by),
    };
    vector.iter().map(moved).map(|c| c as i16).collect()
}

fn case(random: &mut Random, width: usize, entries: usize, items: Vec<i16>, top_n: usize) -> Case {
    let liked = (0..entries).flat_map(|_| ordinary(random, width)).collect();
    let weights = (0..entries).map(|_| f64::from(random.within(1, 40)) / 8.0).collect();
    Case { width, items, liked, weights, top_n }
}

#[test]
fn random_items() {
    let mut random = Random::new(1);
    for width in [1, 2, 8, 17, 64, 384] {
        for entries in [1, 2, 3, 4, 5, 9] {
            for rows in [1, 2, 9, 513, 1500] {
                let items = (0..rows).flat_map(|_| ordinary(&mut random, width)).collect();
                let top_n = [1, 3, 10, 2000][random.within(0, 3) as usize];
                case(&mut random, width, entries, items, top_n).check();
            }
        }
    }
}

/// Items in groups of near copies: the bounds cannot tell them apart, the 16-bit scores can.
#[test]
fn items_that_differ_in_their_last_bits() {
    let mut random = Random::new(2);
    for by in [1, 2, 20, 300] {
        for entries in [1, 4] {
            let width = 96;
            let mut case = case(&mut random, width, entries, Vec::new(), 25);
            let centre = case.liked[..width].to_vec();
            case.items = (0..1200).flat_map(|_| near(&mut random, &centre, by)).collect();
            case.check();
            let scores: Vec<f64> = case.full_scan().iter().map(|found| found.scored.score).collect();
            assert!(scores[0] - scores[24] < 0.02, "near ties: {scores:?}");
        }
    }
}

#[test]
fn copies_come_in_the_order_of_their_ids() {
    let mut random = Random::new(3);
    let width = 40;
    let kinds: Vec<Vec<i16>> = (0..3).map(|_| ordinary(&mut random, width)).collect();
    for top_n in [1, 5, 400, 3000] {
        let items = (0..1300).flat_map(|_| kinds[random.within(0, 2) as usize].clone()).collect();
        let case = case(&mut random, width, 2, items, top_n);
        case.check();
        let rows: Vec<usize> = case.search(3, 2).iter().map(|found| found.row).collect();
        let same = rows.len().min(100);
        assert!(rows[..same].is_sorted_by(|a, b| a > b), "equal scores: {rows:?}");
    }
}

/// Each item is better than all before: every row passes the threshold of its time. Then the
/// reverse.
#[test]
fn items_in_the_order_of_their_scores() {
    let mut random = Random::new(4);
    let width = 32;
    let mut case = case(&mut random, width, 1, Vec::new(), 10);
    let mut items: Vec<Vec<i16>> = (0..20_000).map(|_| ordinary(&mut random, width)).collect();
    let liked = case.liked.clone();
    items.sort_by_key(|item| (1e9 * cosine(dot(item, &liked), dot(item, item), dot(&liked, &liked))) as i64);
    case.items = items.concat();
    case.check();
    items.reverse();
    case.items = items.concat();
    case.check();
}

#[test]
fn extremes_and_vectors_of_zeros() {
    let mut random = Random::new(5);
    for width in [1, 2, 512, 513, 1024] {
        let (high, low, zeros) = (vec![LARGEST; width], vec![-LARGEST; width], vec![0; width]);
        let kinds = [high.clone(), low.clone(), zeros.clone(), near(&mut random, &high, 2)];
        let items: Vec<i16> = (0..60).flat_map(|_| kinds[random.within(0, 3) as usize].clone()).collect();
        for liked in [vec![high.clone()], vec![zeros.clone()], vec![low, high.clone(), zeros, high]] {
            let weights = [1e-300, 1.0, 1e300, 2.0][..liked.len()].to_vec();
            Case { width, items: items.clone(), liked: liked.concat(), weights, top_n: 20 }.check();
        }
    }
}

#[test]
fn there_may_be_nothing_to_find() {
    let mut random = Random::new(6);
    let items = ordinary(&mut random, 8).repeat(4);
    assert_eq!(case(&mut random, 8, 1, items.clone(), 0).search(1, 1), []);
    assert_eq!(case(&mut random, 8, 1, Vec::new(), 5).search(1, 1), []);
    // Without a history all scores are 0, and the order of the ids decides.
    case(&mut random, 8, 0, items, 2).check();
}

#[test]
fn bytes_that_are_no_segment_are_refused() {
    let of = |width, high: usize, low: usize| Segment::new(width, vec![0; high].into(), vec![0; low].into());
    assert_eq!(of(0, 0, 0).unwrap_err(), SegmentError::Width(0));
    assert_eq!(of(1 << 15, 0, 0).unwrap_err(), SegmentError::Width(1 << 15));
    assert_eq!(of(4, 8, 7).unwrap_err(), SegmentError::Length { high: 8, low: 7, width: 4 });
    assert_eq!(of(4, 7, 7).unwrap_err(), SegmentError::Length { high: 7, low: 7, width: 4 });
    assert_eq!(of(4, 8, 8).unwrap().rows(), 2);
    assert_eq!(Segment::of(2, &[1, 2, 3, i16::MIN]).unwrap_err(), SegmentError::Row(1));
}

proptest! {
    /// Few dimensions and few different numbers: ties of every kind.
    #[test]
    fn coarse_items(
        width in 1usize..5,
        numbers in prop::collection::vec(prop_oneof![Just(0), Just(1), Just(-1), Just(256), -300..300], 1..300),
        liked in prop::collection::vec(-2..3, 1..20),
        top_n in 1usize..30,
    ) {
        let rows = |numbers: &[i32]| -> Vec<i16> { numbers.chunks_exact(width).flat_map(compact).collect() };
        let (items, liked) = (rows(&numbers), rows(&liked));
        let weights = vec![1.0; liked.len() / width];
        Case { width, items, liked, weights, top_n }.check();
    }
}
