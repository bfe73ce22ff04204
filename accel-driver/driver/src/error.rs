//! Errors of a card and of jobs.

use std::time::Duration;

use lockstep_accel_abi::Status;
use lockstep_arith::encoder::InputError;

use crate::TransportError;
use crate::model_id::ModelId;

/// Why a card or a job failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The card cannot be opened.
    #[error(transparent)]
    Open(#[from] crate::OpenError),
    /// The transport failed.
    #[error("{action}: {source}")]
    Transport {
        /// What the driver tried.
        action: String,
        /// The transport's own error.
        source: TransportError,
    },
    /// The operating system refused memory, an eventfd or a wait.
    #[error("{what}: {source}")]
    System {
        /// What the driver asked for.
        what: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// The device is not a card that this driver knows.
    #[error("{device}: {what} is {value:#x}; this driver needs {needed:#x}; {help}")]
    Foreign {
        /// The device, as [`crate::Transport::device`] names it.
        device: String,
        /// Name of the id or register.
        what: &'static str,
        /// The value that the driver read.
        value: u32,
        /// The value that this driver needs.
        needed: u32,
        /// What to do next.
        help: &'static str,
    },
    /// This card cannot take an option.
    #[error("{what} is {value}; the card takes {allowed}")]
    Option {
        /// Name of the option.
        what: &'static str,
        /// Value of the option.
        value: u64,
        /// The values that the card takes.
        allowed: String,
    },
    /// All registers read as ones: the card was pulled out, lost its power, or was reset by another
    /// program, or its bus failed.
    #[error("the card is gone")]
    Gone,
    /// The system recalls the card: it is about to be unplugged, or bound to another driver. The
    /// system waits until the card is closed.
    #[error("the system recalls {device}: close the card, and open it again when it is back")]
    Recalled {
        /// The device, as [`crate::Transport::device`] names it.
        device: String,
    },
    /// The card did not reach a state in time.
    #[error("the card is not {what} within {limit:?}: STATUS is {status:#x}, ERROR_STATUS {errors:#x}")]
    Stuck {
        /// The state, for example "ready".
        what: &'static str,
        /// How long the driver waited.
        limit: Duration,
        /// Value of register `STATUS`.
        status: u32,
        /// Value of register `ERROR_STATUS`.
        errors: u32,
    },
    /// A job did not end in time, and the card ignored the abort. The driver reset the card; all
    /// pending jobs are lost.
    #[error("job {tag} took longer than {limit:?} and could not be aborted; the card was reset")]
    Deadline {
        /// Tag of the job.
        tag: u16,
        /// How long the job was allowed to take.
        limit: Duration,
    },
    /// The card halted. The driver reset the card; all pending jobs are lost.
    #[error("the card halted with ERROR_STATUS {errors:#x} and was reset")]
    Halted {
        /// Value of register `ERROR_STATUS`.
        errors: u32,
    },
    /// The card lost its state while it had jobs: another program reset it, or its power failed.
    /// The driver reset the card; all pending jobs are lost.
    #[error(
        "the card's queue is off: another program reset the card, or its power failed; the card was reset"
    )]
    Disabled,
    /// The card wrote an impossible record. The driver reset the card; all pending jobs are lost.
    #[error("the card's record {index} is impossible: {why}; the card was reset")]
    Record {
        /// Free-running index of the record.
        index: u16,
        /// What is wrong with the record.
        why: String,
    },
    /// The halves of a counter do not fit together.
    #[error(transparent)]
    Counter(#[from] lockstep_accel_abi::events::MovingCounter),
    /// The card reported success, but did not write all vectors of a job.
    #[error("job {tag} ended with Ok, but word {word} of its vectors was not written")]
    Unwritten {
        /// Tag of the job.
        tag: u16,
        /// Index of the first 32-bit word that the card did not write.
        word: usize,
    },
    /// A card gave a number that cannot be the input of the layers behind it.
    #[error("the card gave {value} for an input of the model's last layers, which take 16 bits")]
    LayerInput {
        /// The number.
        value: i32,
    },
    /// A job ended with an error.
    #[error("job {tag} ended with {status:?} at {address:#x}, detail {detail}")]
    Job {
        /// Tag of the job.
        tag: u16,
        /// The kind of error.
        status: Status,
        /// Address at which the job failed.
        address: u64,
        /// The engine's own error code; 0 without an error of the engine.
        detail: u32,
    },
    /// The compiler refused the model for this card.
    #[error("{device}: {source}; use another model, or a card with a larger engine")]
    Program {
        /// The device, as [`crate::Transport::device`] names it.
        device: String,
        /// What does not fit.
        source: lockstep_accel_program::Error,
    },
    /// The model does not take a sequence of the batch.
    #[error("sequence {sequence}: {why}")]
    Sequence {
        /// Index of the sequence in the batch.
        sequence: usize,
        /// What is wrong with the sequence.
        why: InputError,
    },
    /// Card memory is too small.
    #[error(
        "{device}: {what} needs {needed} bytes of card memory; {available} are there; remove another model, or use a \
         smaller model or a card with more memory"
    )]
    CardMemory {
        /// The device, as [`crate::Transport::device`] names it.
        device: String,
        /// What does not fit.
        what: String,
        /// Bytes that are needed.
        needed: u64,
        /// Bytes of card memory that other models leave.
        available: u64,
    },
    /// What was copied to card memory is not what the card returns.
    #[error(
        "card memory differs from {what} at {first:#x} to {last:#x}; the card's memory or its bus is faulty"
    )]
    Corrupt {
        /// The weights or the program.
        what: String,
        /// Card address of the first byte that differs.
        first: u64,
        /// Card address of the last byte of this copy that differs.
        last: u64,
    },
    /// The card failed too often. It is tried again after a pause.
    #[error("the card is fenced and is tried again in {left:?}; its last failure: {why}")]
    Fenced {
        /// How long the card stays fenced.
        left: Duration,
        /// The last failure.
        why: String,
    },
    /// The model was taken out, or belongs to another encoder.
    #[error("{model} is not on this card; add it first")]
    NoModel {
        /// The model.
        model: ModelId,
    },
    /// All models were taken out.
    #[error("there is no model on this card; add one first")]
    NoModels,
    /// The thread that drives the card has ended.
    #[error("the card's thread has ended; open the card again")]
    Ended,
}

impl Error {
    /// Whether a job failed because of the card or its bus, so that another try may succeed. A job
    /// that took too long is not among them: it would take as long again.
    pub(crate) const fn blames_card(&self) -> bool {
        use Status::{BadInstruction, CardRead, CardWrite, DescriptorRead, HostRead, HostWrite};
        matches!(
            self,
            Self::Job {
                status: BadInstruction | CardRead | CardWrite | DescriptorRead | HostRead | HostWrite,
                ..
            }
        )
    }
}
