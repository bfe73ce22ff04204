//! Why a program cannot be made.

use lockstep_accel_abi::instructions::InstructionError;

/// Why a program cannot be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// A value does not fit its field, or an instruction has too many semaphores.
    #[error(transparent)]
    Instruction(#[from] InstructionError),
    /// A shape that the engine does not take.
    #[error("{what} is {value}; the engine takes {allowed}")]
    Shape {
        /// What is out of range.
        what: &'static str,
        /// The value.
        value: usize,
        /// What is allowed.
        allowed: String,
    },
}
