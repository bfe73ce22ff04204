//! The queue of a unit.

use std::collections::VecDeque;

use lockstep_accel_abi::instructions::Instruction;

/// Instructions of a queue.
const DEPTH: usize = 16;

/// Operations of type `T` in the order of the program, each with its semaphores.
#[derive(Debug)]
pub(crate) struct Queue<T>(VecDeque<(T, Instruction)>);

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self(VecDeque::with_capacity(DEPTH))
    }
}

impl<T: Copy> Queue<T> {
    /// Adds an instruction. Returns whether there was room.
    pub(crate) fn push(&mut self, operation: T, instruction: Instruction) -> bool {
        let room = self.0.len() < DEPTH;
        if room {
            self.0.push_back((operation, instruction));
        }
        room
    }

    /// The oldest instruction.
    pub(crate) fn front(&self) -> Option<(T, Instruction)> {
        self.0.front().copied()
    }

    /// Removes the oldest instruction.
    pub(crate) fn pop(&mut self) {
        self.0.pop_front();
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
