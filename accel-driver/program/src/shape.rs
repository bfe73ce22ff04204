//! The sizes of a model, and which of them the engine takes.

use lockstep_accel_abi::engine::{HIDDEN_MAX, INTERMEDIATE_MAX};

use crate::array::ArrayShape;
use crate::error::Error;

/// What a program depends on beside the engine: the sizes of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) hidden: usize,
    pub(crate) heads: usize,
    pub(crate) width: usize,
    pub(crate) intermediate: usize,
}

impl Shape {
    /// Channels that are projected together: whole heads, and whole panels of the array. The last
    /// group may have fewer.
    pub(crate) fn group(&self, engine: &ArrayShape) -> usize {
        self.width.max(engine.lanes)
    }

    /// Heads of a group.
    pub(crate) fn group_heads(&self, engine: &ArrayShape) -> usize {
        self.group(engine) / self.width
    }

    /// Number of groups.
    pub(crate) fn groups(&self, engine: &ArrayShape) -> usize {
        self.hidden.div_ceil(self.group(engine))
    }

    pub(crate) fn check(&self, engine: &ArrayShape) -> Result<(), Error> {
        let n = engine.lanes;
        let wrong = |what, value, allowed: String| Err(Error::Shape { what, value, allowed });
        if ![8, 16, 32, 64].contains(&n) {
            return wrong("side of the array", n, "8, 16, 32 or 64".into());
        }
        if ![32, 64].contains(&self.width) {
            return wrong("head width", self.width, "32 or 64".into());
        }
        if self.hidden > HIDDEN_MAX || !self.hidden.is_multiple_of(32) {
            return wrong("hidden size", self.hidden, format!("multiples of 32 up to {HIDDEN_MAX}"));
        }
        if !(1..=INTERMEDIATE_MAX).contains(&self.intermediate) {
            return wrong("intermediate size", self.intermediate, format!("1 to {INTERMEDIATE_MAX}"));
        }
        Ok(())
    }
}
