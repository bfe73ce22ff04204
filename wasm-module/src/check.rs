//! Checks the digest of a large file on all cores, while other work goes on.

use std::{
    iter,
    panic::resume_unwind,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use lockstep_folder::manifest::{Manifest, ManifestError, sha256};

/// The most threads that one check uses.
const THREADS: usize = 8;

/// Runs `work`, and compares a file with its digests at the same time. Nothing that `work` does may
/// depend on the file being right.
///
/// # Errors
/// [`ManifestError`] if the manifest has no digest of the file, or another one.
pub(crate) fn beside<T>(
    manifest: &Manifest,
    file: &'static str,
    bytes: &[u8],
    work: impl FnOnce() -> T,
) -> Result<T, ManifestError> {
    let pieces = manifest.pieces(file, bytes)?;
    let next = AtomicUsize::new(0);
    // Whether all pieces that this thread took have their expected digests.
    let check = || {
        let mut mine = iter::from_fn(|| pieces.get(next.fetch_add(1, Ordering::Relaxed)));
        mine.all(|(bytes, expected)| sha256(bytes) == *expected)
    };
    let others = thread::available_parallelism().map_or(0, |cores| cores.get() - 1).min(THREADS - 1);
    let (done, right) = thread::scope(|scope| {
        // If no thread can be started, this thread checks all pieces.
        let start = |_| thread::Builder::new().spawn_scoped(scope, check).ok();
        let others: Vec<_> = (0..others.min(pieces.len())).filter_map(start).collect();
        let done = work();
        let mut right = check();
        for other in others {
            right &= other.join().unwrap_or_else(|panic| resume_unwind(panic));
        }
        (done, right)
    });
    if right {
        return Ok(done);
    }
    manifest.verify(file, bytes)?;
    Err(ManifestError::Pieces(file))
}
