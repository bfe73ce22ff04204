//! The answer: 32 bytes in the completion ring.

use crate::codes::{CompletionFlags, Status};
use crate::engine::EngineError;
use crate::ring;

record! {
    /// How a job ended. Records stand in the order of the descriptors. The last four bytes are written last:
    /// a driver reads them with acquire ordering and the rest only when the phase is the awaited one.
    pub struct Completion, 32 bytes {
        /// The address that an error is about, else zero.
        0 address: u64,
        /// Clock cycles from the start of the job to its end.
        8 cycles: u64,
        /// Of these, cycles in which the array worked for this job, saturating.
        16 array_busy: u32,
        /// [`EngineError`]: how the engine ended the job.
        20 detail: u32,
        /// Consumer index of the submission ring: descriptors before it may be overwritten.
        24 consumer: u16,
        /// The descriptor's tag.
        26 tag: u16,
        /// [`Status`].
        28 status: u8,
        /// Zero.
        29 reserved_0: u8,
        /// Zero.
        30 reserved_1: u8,
        /// [`CompletionFlags`].
        31 flags: u8,
    }
}

impl Completion {
    /// Where the last four bytes begin.
    pub const LAST_WORD: usize = 28;

    /// Whether the record, read at the free-running index `index` of a ring of `2^log2` entries, is new.
    pub fn is_new(&self, index: u16, log2: u32) -> bool {
        self.flags & CompletionFlags::PHASE as u8 == ring::phase(index, log2)
    }
    /// How the job ended; the unknown byte is the error.
    pub fn outcome(&self) -> Result<Status, u8> {
        Status::try_from(self.status)
    }
    /// How the engine ended the job; an unknown number is the error.
    pub fn engine_error(&self) -> Result<EngineError, u32> {
        let code = u8::try_from(self.detail).ok();
        code.and_then(|code| EngineError::try_from(code).ok()).ok_or(self.detail)
    }
}
