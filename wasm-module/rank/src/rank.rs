//! The equations of the ranking: relevance to a history, then diversity.
//!
//! # Relevance
//!
//! For a candidate `c` and history entries `h` with similarity `s(h) = cosine(c, h)` and weight
//! `w(h) > 0`:
//!
//! 1. `r(h) = s(h) * (w(h) / max w)`. The heaviest entry counts in full, the others in proportion.
//!    If all weights are equal, their value has no effect.
//! 2. `score = (r1 + r2 + r3) / 3` over the three largest `r`, added from the largest. A history of
//!    fewer entries uses all of them and divides by their number.
//!
//! The divisor does not depend on the weights of the chosen entries. Otherwise a candidate could
//! lose by becoming more similar to an entry. So raising a similarity never lowers a score.
//!
//! # Diversity
//!
//! Maximal marginal relevance, with `lambda` from 0 (only relevance) to 1 (only novelty). The first
//! item is the candidate with the best score. Each next item is the candidate with the largest
//!
//! 3. `(1 - lambda) * score(c) - lambda * max over chosen p of cosine(c, p)`
//!
//! among **all** candidates that are not chosen yet, not among the `top_n` best. Of equal values
//! the better score wins, then the earlier candidate. Candidates may be chosen beforehand: they
//! come first, and each next item is compared with them too.

use std::cmp::Ordering;

/// How many history entries make up a score.
pub const REASONS: usize = 3;

/// A history entry that is part of a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reason {
    /// Position in the history given to [`score`].
    pub history: usize,
    /// `s(h)`, the cosine before the weight.
    pub similarity: f64,
}

/// A candidate's score, and the history entries that it is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// Equation 2.
    pub score: f64,
    /// At most three entries, the largest `r` first.
    pub because: Vec<Reason>,
}

/// Scores one candidate by equations 1 and 2. `similarities` and `weights` have one number for each
/// history entry; weights are finite and above 0. An empty history gives the score 0.
pub fn score(similarities: &[f64], weights: &[f64]) -> Scored {
    let heaviest = weights.iter().copied().fold(0.0, f64::max);
    let mut best: Vec<(f64, Reason)> = Vec::with_capacity(REASONS + 1);
    for (history, (&similarity, &weight)) in similarities.iter().zip(weights).enumerate() {
        let weighted = similarity * (weight / heaviest);
        // An entry goes behind equal ones, so that of equal entries the earlier one stays first.
        let place = best.partition_point(|(other, _)| *other >= weighted);
        if place < REASONS {
            let reason = Reason { history, similarity };
            best.insert(place, (weighted, reason));
            best.truncate(REASONS);
        }
    }
    let sum = best.iter().fold(0.0, |sum, (weighted, _)| sum + weighted);
    Scored {
        score: if best.is_empty() { 0.0 } else { sum / best.len() as f64 },
        because: best.into_iter().map(|(_, reason)| reason).collect(),
    }
}

/// The positions of the best `top_n` candidates, in order, by equation 3. `similarity(a, b)` is the
/// cosine of two candidates. It is not called if `lambda` is 0. The first `pinned` candidates, at
/// most `top_n`, are chosen beforehand, in their order.
pub fn diversify(
    scores: &[f64],
    pinned: usize,
    top_n: usize,
    lambda: f64,
    mut similarity: impl FnMut(usize, usize) -> f64,
) -> Vec<usize> {
    let mut chosen: Vec<usize> = (0..pinned.min(scores.len())).collect();
    let mut left: Vec<usize> = (chosen.len()..scores.len()).collect();
    left.sort_by(|&a, &b| order(scores, a, b));
    if lambda == 0.0 || left.is_empty() {
        chosen.extend(left);
        chosen.truncate(top_n);
        return chosen;
    }

    // For each entry of `left`: its largest similarity to an item chosen so far.
    let mut to_chosen =
        |other| chosen.iter().map(|&item| similarity(other, item)).fold(f64::NEG_INFINITY, f64::max);
    let mut nearest: Vec<f64> = left.iter().map(|&other| to_chosen(other)).collect();
    while chosen.len() < top_n && !left.is_empty() {
        // `left` stays in the order of scores, so of equal values the first one is right.
        let mut best = 0;
        if !chosen.is_empty() {
            let value = |at: usize| (1.0 - lambda) * scores[left[at]] - lambda * nearest[at];
            for other in 1..left.len() {
                if value(other) > value(best) {
                    best = other;
                }
            }
        }
        let item = left.remove(best);
        nearest.remove(best);
        chosen.push(item);
        if chosen.len() < top_n {
            for (nearest, &other) in nearest.iter_mut().zip(&left) {
                *nearest = nearest.max(similarity(other, item));
            }
        }
    }
    chosen
}

/// Compares two candidates: the better score comes first, of equal scores the earlier candidate.
pub(crate) fn order(scores: &[f64], a: usize, b: usize) -> Ordering {
    scores[b].total_cmp(&scores[a]).then(a.cmp(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entries(scored: &Scored) -> Vec<usize> {
        scored.because.iter().map(|reason| reason.history).collect()
    }

    #[test]
    fn a_score_is_the_mean_of_the_three_largest() {
        let scored = score(&[0.125, 0.5, 0.25, 0.75], &[1.0; 4]);
        assert_eq!(scored.score, 0.5);
        assert_eq!(entries(&scored), [3, 1, 2]);
        assert_eq!(scored.because[0].similarity, 0.75);
        assert_eq!(score(&[0.5, 0.25], &[7.0; 2]).score, 0.375);
        assert_eq!(score(&[], &[]).score, 0.0);
    }

    #[test]
    fn a_weight_scales_its_entry_against_the_heaviest() {
        let scored = score(&[1.0, 0.75], &[1.0, 4.0]);
        assert_eq!(scored.score, (0.75 + 0.25) / 2.0);
        assert_eq!(entries(&scored), [1, 0]);
        assert_eq!(scored.because[1].similarity, 1.0);
    }

    #[test]
    fn of_equal_similarities_the_earlier_entries_are_named() {
        assert_eq!(entries(&score(&[0.5; 5], &[1.0; 5])), [0, 1, 2]);
    }

    #[test]
    fn lambda_points_from_relevance_to_novelty() {
        // Candidates 0 and 1 are equal; candidate 2 is different.
        let alike = |a: usize, b: usize| if a.max(b) == 1 { 1.0 } else { 0.0 };
        let scores = [0.9, 0.8, 0.1];
        assert_eq!(diversify(&scores, 0, 2, 0.0, alike), [0, 1]);
        assert_eq!(diversify(&scores, 0, 2, 1.0, alike), [0, 2]);
        // 0.6 * 0.8 - 0.4 * 1 = 0.08 against 0.6 * 0.1 = 0.06, then 0.03 against 0.055.
        assert_eq!(diversify(&scores, 0, 2, 0.4, alike), [0, 1]);
        assert_eq!(diversify(&scores, 0, 2, 0.45, alike), [0, 2]);
    }

    #[test]
    fn novelty_looks_at_all_chosen_and_not_at_the_last() {
        // Candidate 3 is a copy of 0; candidate 1 is far from 0.
        let alike = |a: usize, b: usize| match (a.min(b), a.max(b)) {
            (0, 3) => 1.0,
            (0, 2) | (1, 2) => 0.5,
            _ => 0.0,
        };
        assert_eq!(diversify(&[0.9, 0.5, 0.4, 0.8], 0, 4, 1.0, alike), [0, 1, 2, 3]);
    }

    #[test]
    fn ties_go_to_the_earlier_candidate() {
        assert_eq!(diversify(&[0.5; 4], 0, 3, 0.0, |_, _| 0.0), [0, 1, 2]);
        assert_eq!(diversify(&[0.5; 4], 0, 3, 0.5, |_, _| 0.0), [0, 1, 2]);
        assert_eq!(diversify(&[0.4, 0.5, 0.5], 0, 3, 1.0, |_, _| 0.0), [1, 2, 0]);
    }

    #[test]
    fn what_is_pinned_comes_first_and_counts_for_novelty() {
        // Candidates 0 and 2 are equal, and 1 and 3.
        let alike = |a: usize, b: usize| if a % 2 == b % 2 { 1.0 } else { 0.0 };
        let scores = [0.1, 0.9, 0.8, 0.7];
        assert_eq!(diversify(&scores, 1, 4, 0.0, alike), [0, 1, 2, 3]);
        assert_eq!(diversify(&scores, 1, 3, 1.0, alike), [0, 1, 2]);
        assert_eq!(diversify(&scores, 2, 3, 0.5, alike), [0, 1, 2]);
        // Now candidates 0 and 1 are equal: 0.5 * 0.9 - 0.5 * 1 against 0.5 * 0.8 - 0.5 * 0.
        let halves = |a: usize, b: usize| if a / 2 == b / 2 { 1.0 } else { 0.0 };
        assert_eq!(diversify(&scores, 1, 2, 0.5, halves), [0, 2]);
        assert_eq!(diversify(&scores, 9, 2, 0.5, alike), [0, 1]);
    }

    proptest! {
        #[test]
        fn raising_a_similarity_never_lowers_a_score(
            entries in prop::collection::vec((-1.0..1.0f64, 1e-3..1e3f64), 1..9),
            at in 0usize..9,
            raise in 0.0..1.0f64,
        ) {
            let (mut similarities, weights): (Vec<f64>, Vec<f64>) = entries.into_iter().unzip();
            let before = score(&similarities, &weights).score;
            let at = at % similarities.len();
            similarities[at] += raise;
            prop_assert!(score(&similarities, &weights).score >= before);
        }

        #[test]
        fn diversify_chooses_each_once(
            scores in prop::collection::vec(-1.0..1.0f64, 0..12),
            top_n in 0usize..15,
            lambda in 0.0..=1.0f64,
        ) {
            let mut chosen = diversify(&scores, 0, top_n, lambda, |a, b| ((a * b) % 7) as f64 / 7.0);
            prop_assert_eq!(chosen.len(), top_n.min(scores.len()));
            if let Some(&first) = chosen.first() {
                prop_assert!(scores.iter().all(|&score| score <= scores[first]));
            }
            chosen.sort_unstable();
            chosen.dedup();
            prop_assert_eq!(chosen.len(), top_n.min(scores.len()));
        }
    }
}
