//! How jobs ended.

/// How the jobs of an encoder ended since the encoder was made. A job encodes sequences of one
/// length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Jobs that gave right vectors.
    pub succeeded: u64,
    /// Jobs that were put back to be run again, because the card failed.
    pub retried: u64,
    /// Jobs that ended with an error for their batch.
    pub failed: u64,
}
