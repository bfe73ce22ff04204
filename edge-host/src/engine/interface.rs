//! The interface between the daemon and its engines.

use std::time::Instant;

use lockstep_module::Sequence;

/// Bytes of stack that a call of an engine may use.
pub(crate) const ENGINE_STACK: usize = 1 << 20;

/// The reasons why a call gave no vectors. After any of them the engine must be dropped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The call was still running at its deadline.
    #[error("the call was interrupted at the deadline")]
    Deadline,
    /// The daemon is shutting down.
    #[error("the call was interrupted because the daemon is shutting down")]
    Stopped,
    /// The WebAssembly module trapped.
    #[error("the module trapped: {0}")]
    Trap(String),
    /// The engine gave something that its interface does not allow.
    #[error("the engine breaks its interface: {0}")]
    Interface(String),
    /// The module has no memory for a buffer of this many bytes.
    #[error("the module has no memory for {0} bytes")]
    Memory(usize),
    /// The engine panicked.
    #[error("the engine panicked: {0}")]
    Panic(String),
    /// The engine refuses the model or a sequence.
    #[error("{0}")]
    Refused(String),
    /// A card gave a vector that differs from the CPU's.
    #[error("{0} gave a wrong vector; it is not used any more")]
    Wrong(String),
    /// A card failed.
    #[error("{name}: {error}")]
    Card {
        /// The card's address.
        name: String,
        /// The driver's message.
        error: String,
    },
}

/// One worker's engine. It encodes one batch at a time.
pub(crate) trait Engine {
    /// The name of the kernel that computes.
    fn kernel(&mut self) -> Result<String, EngineError>;

    /// The longest sequence that the engine takes, in tokens, if it takes fewer than the model.
    fn longest(&self) -> usize {
        usize::MAX
    }

    /// Looks after an engine that has no work. Does not wait. After an error the engine must be
    /// dropped: the system wants the card back, for example.
    fn look(&mut self) -> Result<(), EngineError> {
        Ok(())
    }

    /// Encodes a batch by `deadline`; gives a vector for each sequence, in order.
    fn encode(&mut self, batch: &[Sequence<'_>], deadline: Instant) -> Result<Vec<Vec<i32>>, EngineError>;
}

/// The part that engines of one kind share. It makes an engine for each worker.
pub(crate) trait Engines: Send + Sync {
    /// Makes an engine that is ready to encode.
    fn open(&self) -> Result<Box<dyn Engine>, EngineError>;
}
