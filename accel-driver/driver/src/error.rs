//! What can go wrong with a card.

use std::time::Duration;

use lockstep_accel_abi::Status;
use lockstep_arith::encoder::InputError;

use crate::TransportError;

/// Why a card, or a job on it, failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The way to the card failed.
    #[error("{action}: {source}")]
    Transport {
        /// What was tried.
        action: String,
        /// Why it failed.
        source: TransportError,
    },
    /// The system refused memory or an eventfd.
    #[error("{what}: {source}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// Why not.
        source: std::io::Error,
    },
    /// What is there is not a card that this driver knows.
    #[error("{what} is {value:#x}; this driver needs {needed:#x}")]
    Foreign {
        /// What was read.
        what: &'static str,
        /// Its value.
        value: u32,
        /// The value that it should have.
        needed: u32,
    },
    /// An option that this card cannot take.
    #[error("{what} is {value}; the card takes {allowed}")]
    Option {
        /// Which.
        what: &'static str,
        /// Its value.
        value: u64,
        /// What it may be.
        allowed: String,
    },
    /// All registers read as ones: the card was pulled out, lost its power, or its bus failed.
    #[error("the card is gone")]
    Gone,
    /// The card does not do what a register was told.
    #[error("the card is not {what} within {limit:?}: STATUS is {status:#x}, ERROR_STATUS {errors:#x}")]
    Stuck {
        /// What was awaited.
        what: &'static str,
        /// How long.
        limit: Duration,
        /// Register `STATUS`.
        status: u32,
        /// Register `ERROR_STATUS`.
        errors: u32,
    },
    /// A job did not end in time nor let itself be aborted; the card was reset, and all jobs under way are lost.
    #[error("job {tag} took longer than {limit:?} and could not be aborted; the card was reset")]
    Deadline {
        /// Its tag.
        tag: u16,
        /// How long it had.
        limit: Duration,
    },
    /// The card stopped itself and was reset; all jobs under way are lost.
    #[error("the card halted with ERROR_STATUS {errors:#x} and was reset")]
    Halted {
        /// Register `ERROR_STATUS`.
        errors: u32,
    },
    /// The card wrote a record that cannot be.
    #[error("the card's record {index} is impossible: {why}; the card was reset")]
    Record {
        /// Free-running index of the record.
        index: u16,
        /// What is wrong with it.
        why: String,
    },
    /// A job ended with an error.
    #[error("job {tag} ended with {status:?} at {address:#x}, detail {detail}")]
    Job {
        /// Its tag.
        tag: u16,
        /// How it ended.
        status: Status,
        /// The address that it is about.
        address: u64,
        /// The engine's own code.
        detail: u32,
    },
    /// The model does not fit this card.
    #[error(transparent)]
    Program(#[from] lockstep_accel_program::Error),
    /// A batch that the model does not take.
    #[error("sequence {sequence}: {why}")]
    Sequence {
        /// Which of the batch.
        sequence: usize,
        /// What is wrong with it.
        why: InputError,
    },
    /// The card's memory is too small.
    #[error("{what} needs {needed} bytes of card memory; the card has {available}")]
    CardMemory {
        /// What.
        what: &'static str,
        /// How much it needs.
        needed: u64,
        /// How much there is.
        available: u64,
    },
}
