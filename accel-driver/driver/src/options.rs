//! How the driver uses a card.

use std::time::Duration;

use lockstep_accel_abi::codes::RING_LOG2;

use crate::rings::Rings;
use crate::{Capabilities, Error, RecoveryPolicy};

/// How the driver uses a card.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Base-2 logarithm of the number of entries of a ring.
    pub ring_log2: u32,
    /// Bytes of host memory that the card reaches: the rings, and room for inputs, results and
    /// copies. The kernel's VFIO counts these bytes as locked memory of the process.
    pub memory: usize,
    /// Bus address of the first byte of this memory.
    pub iova: u64,
    /// How long a job may be the oldest unfinished one before the driver aborts it.
    pub job_time: Duration,
    /// How many batches an encoder that is shared by many callers holds at once; further callers
    /// wait. At least one.
    pub batches: usize,
    /// How often and how soon a card that fails is tried again.
    pub recovery: RecoveryPolicy,
}

impl Default for Options {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Options {
    /// 64 entries, 4 MiB from bus address 2^32 on, five seconds, 1024 batches, the default
    /// recovery. A user without privileges may usually lock 8 MiB, so two cards fit.
    pub const DEFAULT: Self = Self {
        ring_log2: 6,
        memory: 4 << 20,
        iova: 1 << 32,
        job_time: Duration::from_secs(5),
        batches: 1024,
        recovery: RecoveryPolicy::DEFAULT,
    };
    /// An IOMMU maps whole pages of this many bytes.
    const PAGE: usize = 4096;
    /// The memory has at least this many bytes beside the rings.
    const LEAST_DATA: u64 = 4096;

    /// Checks the options against a card.
    ///
    /// # Errors
    /// [`Error::Option`] names the option that this card cannot take.
    pub(crate) fn check(&self, capabilities: &Capabilities) -> Result<(), Error> {
        let refuse = |what, value, allowed| Err(Error::Option { what, value, allowed });
        if !(RING_LOG2.0..=capabilities.ring_log2).contains(&self.ring_log2) {
            let allowed = format!("{} to {}", RING_LOG2.0, capabilities.ring_log2);
            return refuse("ring_log2", self.ring_log2.into(), allowed);
        }
        let least = Rings::new(self.ring_log2).bytes() + Self::LEAST_DATA;
        if (self.memory as u64) < least {
            return refuse("memory", self.memory as u64, format!("{least} bytes and more"));
        }
        Ok(())
    }

    /// Bytes of memory to create: [`Self::memory`] in whole pages.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory.checked_next_multiple_of(Self::PAGE).unwrap_or(self.memory)
    }
}
