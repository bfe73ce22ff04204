//! A large file's digest, taken by all cores while something else is done.

use std::{
    iter,
    panic::resume_unwind,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use lockstep_folder::manifest::{Manifest, ManifestError, sha256};

/// Threads that one check takes at most.
const THREADS: usize = 8;

/// Does `work`, which must rely on nothing of the file, and compares the file with its digests.
pub(crate) fn beside<T>(
    manifest: &Manifest,
    file: &'static str,
    bytes: &[u8],
    work: impl FnOnce() -> T,
) -> Result<T, ManifestError> {
    let pieces = manifest.pieces(file, bytes)?;
    let next = AtomicUsize::new(0);
    // Whether all pieces are right that fell to one thread.
    let check = || {
        let mut mine = iter::from_fn(|| pieces.get(next.fetch_add(1, Ordering::Relaxed)));
        mine.all(|(bytes, expected)| sha256(bytes) == *expected)
    };
    let others = thread::available_parallelism().map_or(0, |cores| cores.get() - 1).min(THREADS - 1);
    let (done, right) = thread::scope(|scope| {
        // Where there is no thread to be had, this one does all.
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
