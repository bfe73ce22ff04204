//! The answer: 32 bytes in the completion ring.

use crate::codes::{CompletionFlags, Status};
use crate::engine::EngineError;
use crate::ring;

record! {
    /// How a job ended. Records stand in the order of the descriptors. The card writes the last
    /// four bytes last. So a driver reads them first, with acquire ordering, and reads the rest
    /// only if the phase says that the record is new.
    pub struct Completion, 32 bytes {
        /// The address of the error, else zero.
        0 address: u64,
        /// Clock cycles from the start of the job to its end.
        8 cycles: u64,
        /// Cycles of these in which the array worked; 2^32 - 1 stands for more.
        16 array_busy: u32,
        /// How the engine ended the job: an [`EngineError`].
        20 detail: u32,
        /// The consumer index of the submission ring: the driver may overwrite descriptors before
        /// it.
        24 consumer: u16,
        /// The descriptor's tag.
        26 tag: u16,
        /// How the job ended: a [`Status`].
        28 status: u8,
        /// Zero.
        29 reserved_0: u8,
        /// Zero.
        30 reserved_1: u8,
        /// Bits of [`CompletionFlags`].
        31 flags: u8,
    }
}

impl Completion {
    /// The offset of the last four bytes.
    pub const LAST_WORD: usize = 28;

    /// Whether the record at `index` of a ring of `2^log2` entries is new.
    pub fn is_new(&self, index: u16, log2: u32) -> bool {
        self.flags & CompletionFlags::PHASE as u8 == ring::phase(index, log2)
    }
    /// How the job ended. The error is a byte that is no status.
    pub fn outcome(&self) -> Result<Status, u8> {
        Status::try_from(self.status)
    }
    /// How the engine ended the job. The error is a number that is no error of the engine.
    pub fn engine_error(&self) -> Result<EngineError, u32> {
        let code = u8::try_from(self.detail).ok();
        code.and_then(|code| EngineError::try_from(code).ok()).ok_or(self.detail)
    }
}
