//! The interface between the daemon and its engines.

use std::time::Instant;

/// Bytes of stack that a call of an engine may use.
pub(crate) const ENGINE_STACK: usize = 1 << 20;

/// An engine's answer to one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status, from 200 to 599.
    pub status: u16,
    /// JSON.
    pub body: Vec<u8>,
    /// Tokens that the request took, if the engine counts them.
    pub tokens: Option<u32>,
}

/// The reasons why a call gave no answer. After any of them the engine must be dropped.
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
    #[error("the module breaks its interface: {0}")]
    Interface(String),
    /// The module has no memory for a buffer of this many bytes.
    #[error("the module has no memory for {0} bytes")]
    Memory(usize),
    /// The native engine panicked.
    #[error("the engine panicked: {0}")]
    Panic(String),
    /// The module refuses the model.
    #[error("{0}")]
    Refused(String),
}

/// One worker's engine. It answers one request at a time.
pub(crate) trait Engine {
    /// Answers one request by `deadline`.
    fn handle(
        &mut self,
        method: &str,
        path: &str,
        body: &[u8],
        deadline: Instant,
    ) -> Result<Answer, EngineError>;
}

/// The part of the engines that all workers share. It makes one engine for each worker.
pub(crate) trait Engines: Send + Sync {
    /// Makes an engine that is ready to answer.
    fn open(&self) -> Result<Box<dyn Engine>, EngineError>;
}
