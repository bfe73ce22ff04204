//! The semaphores, by the event that signals them.

pub(super) const GATHER_GO: u8 = 0;
pub(super) const MOVE_GO: u8 = 1;
pub(super) const ROWS_FETCHED: u8 = 2;
pub(super) const ROWS_TAKEN: u8 = 3;
pub(super) const TABLES_MOVED: u8 = 4;
pub(super) const ATTENTION_NORM_MOVED: u8 = 5;
pub(super) const OUTPUT_NORM_MOVED: u8 = 6;
pub(super) const LAYER_INPUT: u8 = 8;
pub(super) const EXPAND_INPUT: u8 = 9;
pub(super) const CONTRACT_INPUT: u8 = 10;
pub(super) const OUTPUT_INPUT: u8 = 11;
pub(super) const QUERIES: u8 = 12;
pub(super) const KEYS: u8 = 13;
pub(super) const VALUES: u8 = 14;
pub(super) const KEYS_READY: u8 = 15;
pub(super) const VALUES_READY: u8 = 16;
pub(super) const SCORES: u8 = 17;
pub(super) const SCORES_TAKEN: u8 = 18;
pub(super) const WEIGHTS: u8 = 19;
pub(super) const WEIGHTS_TAKEN: u8 = 20;
pub(super) const ATTENTION_SUM: u8 = 21;
pub(super) const EXPANDED: u8 = 22;
pub(super) const OUTPUT_SUM: u8 = 23;
pub(super) const CONTEXT: u8 = 24;
