//! Counting semaphores between the units.

use lockstep_accel_abi::instructions::{Instruction, SEMAPHORES, When};

/// The counts, by semaphore.
#[derive(Debug, Default)]
pub(crate) struct Semaphores([u32; SEMAPHORES as usize]);

impl Semaphores {
    /// Takes those that the instruction waits for, if all of them are there.
    pub(crate) fn take(&mut self, instruction: &Instruction, due: impl Fn(When) -> bool) -> bool {
        let mut counts = self.0;
        for (semaphore, when) in instruction.waits() {
            if due(when) {
                let count = &mut counts[usize::from(semaphore)];
                let Some(left) = count.checked_sub(1) else { return false };
                *count = left;
            }
        }
        self.0 = counts;
        true
    }

    /// Signals those of the instruction whose time has come.
    pub(crate) fn signal(&mut self, instruction: &Instruction, reached: impl Fn(When) -> bool) {
        for (semaphore, when) in instruction.signals() {
            if reached(when) {
                let count = &mut self.0[usize::from(semaphore)];
                *count = count.saturating_add(1);
            }
        }
    }
}

/// An instruction that does everything at once waits before it and signals behind it.
pub(crate) const fn once(_: When) -> bool {
    true
}
