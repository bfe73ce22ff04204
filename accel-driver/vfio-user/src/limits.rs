//! Limits of a connection.

use std::time::Duration;

/// How long a message may take from its first byte to its last byte.
pub const MESSAGE_TIME: Duration = Duration::from_secs(5);

/// Largest number of bytes of one read or write of a region.
pub const MAX_DATA: usize = 1 << 20;

/// Largest number of file descriptors of one message.
pub const MAX_FILES: usize = 8;
