//! The best items of a catalogue for a person, exactly.
//!
//! [`best`] gives the items that a full scan would give: those with the largest scores of
//! [`lockstep_rank::rank`], computed from similarities by (42) of `SPEC.md`. It reads half of the
//! catalogue's bytes:
//!
//! 1. The **scan** multiplies the history by the high parts of all items, (44), and bounds the
//!    score of each item from both sides. It keeps the items whose upper bound reaches the
//!    `top_n`-th largest lower bound.
//! 2. The **decision** computes the scores of the kept items from all 16 bits, the most promising
//!    first. It ends when no bound of the rest reaches the `top_n`-th score.
//!
//! # Why nothing is lost
//!
//! Let `s` be the score of an item. It is the mean of the three largest `g(h) * similarity(h)` over
//! the entries `h` of the history, where `g(h)`, the weight beside the heaviest one, lies in (0,
//! 1]. Let `y` be the same mean with `x(h)` in place of each similarity, where `x(h)` is the
//! estimate of a cosine from the high parts. By (45), `x(h)` is off by at most `r = norm(l - 128) /
//! norm(c)`, which depends on the item alone. A mean of largest numbers moves by no more than the
//! numbers do, and a factor in (0, 1] makes no distance larger. So `abs(s - y) <= r`.
//!
//! The scan computes `y` and `r` in `f32`. With at most 2^14 numbers in a vector, `r` is at most
//! 1/2, so no number on the way exceeds 5 in magnitude. A bound is rounded fewer than 24 times,
//! each time by a factor within `1 +- 2^-24`. So the sum of all errors is less than `24 * 5 *
//! 2^-24`, which is less than half of [`MARGIN`], 2^-16; the other half is more than the error of
//! `s` itself, which is computed in `f64`. So `y - r - MARGIN <= s <= y + r + MARGIN`.
//!
//! At least `top_n` items have a score of at least the `top_n`-th largest lower bound. An item
//! whose upper bound is smaller has a smaller score than each of them, so it is not among the best,
//! whatever the order of equal scores. The same holds for the end of the decision.
//!
//! The answer depends on no order of rows, blocks or threads: scores are compared as they are, and
//! items with equal scores are put in order by the caller, who knows their ids.
#![forbid(unsafe_code)]

mod candidates;
mod catalogue;
mod history;
mod scan;
mod search;
mod segment;

pub use catalogue::Catalogue;
pub use history::History;
pub use search::{Found, Wanted, best};
pub use segment::{MARGIN, Segment, SegmentError};
