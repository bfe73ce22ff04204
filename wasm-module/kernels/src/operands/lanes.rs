//! The operands of one head for kernels in which each query has a lane of its own.

use alloc::vec::Vec;

use super::line::{COLUMNS, Line};

/// One number for each of 16 queries.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Lanes(pub(crate) [i32; COLUMNS]);

/// The operands of one head, with the queries in lanes.
#[derive(Debug, Default)]
pub(crate) struct LanesOfHead {
    pub(crate) queries: Vec<i8>,
    pub(crate) keys: Vec<i8>,
    pub(crate) query_lines: Vec<Line>,
    pub(crate) value_lines: Vec<Line>,
    pub(crate) scores: Vec<Lanes>,
    pub(crate) weights: Vec<Line>,
    pub(crate) weighted: Vec<Lanes>,
}
