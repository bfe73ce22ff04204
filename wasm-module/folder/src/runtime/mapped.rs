//! Maps a file into memory.
#![allow(unsafe_code, reason = "another process could change a mapped file")]

use std::fs::File;
use std::io;
use std::path::Path;

use bytes::Bytes;

use super::buffer::Buffer;

/// Maps a file. The system reads a page when it is first accessed, and all processes that map the
/// file share its pages.
///
/// Nobody may change the file in place while it is mapped. To replace it, write a new file and
/// rename it over the old one, as `quantize` does.
///
/// # Errors
/// The error of the system if the file cannot be opened or mapped.
pub fn map(path: &Path) -> io::Result<Buffer> {
    let file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(Buffer::copy(&[]));
    }
    // SAFETY: the mapping is private and never written. Another process that changes or truncates
    // the file in place could still break it; the documentation forbids that, as for every program
    // that is run from a file.
    let map = unsafe { memmap2::MmapOptions::new().map_copy_read_only(&file) }?;
    Ok(Buffer::new(Bytes::from_owner(map)))
}
