//! What the engine is given, what it reaches, and how a job ends.

use lockstep_accel_abi::{EngineError, Status};

/// A job: a program, and the inputs and outputs of its sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// Card address of the program.
    pub program: u64,
    /// Instructions of the program.
    pub length: u16,
    /// Number of sequences: the program runs once for each.
    pub runs: u16,
    /// Host address of the inputs of the first sequence, and bytes to those of the next one.
    pub input: (u64, u32),
    /// Host address for the results of the first sequence, and bytes to those of the next one.
    pub output: (u64, u32),
}

/// An address that a memory refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The first such address.
    pub address: u64,
}

/// The memories outside of the engine.
pub trait Memories {
    /// Bytes of card memory.
    ///
    /// # Errors
    /// Some bytes lie outside of it.
    fn card(&self, address: u64, bytes: usize) -> Result<&[u8], Fault>;

    /// Reads host memory.
    ///
    /// # Errors
    /// The host refuses an address.
    fn read_host(&mut self, address: u64, to: &mut [u8]) -> Result<(), Fault>;

    /// Writes host memory.
    ///
    /// # Errors
    /// The host refuses an address.
    fn write_host(&mut self, address: u64, from: &[u8]) -> Result<(), Fault>;
}

/// Why a job did not end well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The program holds an illegal instruction.
    IllegalInstruction,
    /// Card memory refused a read.
    CardRead(Fault),
    /// The host refused a read.
    HostRead(Fault),
    /// The host refused a write.
    HostWrite(Fault),
    /// A token id or a token type is out of range.
    BadInput,
    /// The caller stopped the job.
    Aborted,
    /// No unit can ever go on: the program has no `end`, waits for a semaphore that nothing
    /// signals, or drains what nothing computes. The RTL would wait until it is aborted.
    Stuck,
}

impl Failure {
    /// The engine's error code. A job that is stuck has none until it is aborted.
    #[must_use]
    pub const fn error(self) -> EngineError {
        match self {
            Self::IllegalInstruction => EngineError::IllegalInstruction,
            Self::CardRead(_) => EngineError::CardBus,
            Self::HostRead(_) | Self::HostWrite(_) => EngineError::HostBus,
            Self::BadInput => EngineError::BadInput,
            Self::Aborted | Self::Stuck => EngineError::Aborted,
        }
    }

    /// The status of the completion record.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::IllegalInstruction => Status::BadInstruction,
            Self::CardRead(_) => Status::CardRead,
            Self::HostRead(_) => Status::HostRead,
            Self::HostWrite(_) => Status::HostWrite,
            Self::BadInput => Status::BadInput,
            Self::Aborted | Self::Stuck => Status::Aborted,
        }
    }

    /// The address of the completion record; zero if the failure has none.
    #[must_use]
    pub const fn address(self) -> u64 {
        match self {
            Self::CardRead(fault) | Self::HostRead(fault) | Self::HostWrite(fault) => fault.address,
            Self::IllegalInstruction | Self::BadInput | Self::Aborted | Self::Stuck => 0,
        }
    }
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// The failure, if there was one.
    pub result: Result<(), Failure>,
    /// Steps of the array.
    pub busy: u64,
    /// Words drained from the array.
    pub drained: u64,
    /// Words that passes read.
    pub passed: u64,
}

/// What a job at work reaches.
pub(crate) struct Outside<'a> {
    pub(crate) memories: &'a mut dyn Memories,
    pub(crate) stop: &'a dyn Fn() -> bool,
    /// Host addresses of the inputs and results of the sequence at work.
    pub(crate) input: u64,
    pub(crate) output: u64,
}

impl Outside<'_> {
    /// Ends the job if the caller wants it.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if (self.stop)() { Err(Failure::Aborted) } else { Ok(()) }
    }
}
