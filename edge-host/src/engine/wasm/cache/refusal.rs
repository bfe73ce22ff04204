//! Why a folder cannot hold the cache.

use std::io;

/// Why a folder cannot hold the cache.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// Another user could change the files in it, or lead the daemon elsewhere.
    #[error("{0}")]
    Unsafe(String),
    /// The operating system refuses, for example because a disk is full.
    #[error(transparent)]
    System(#[from] io::Error),
}
