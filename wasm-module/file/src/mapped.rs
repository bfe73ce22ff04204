//! A file that the system maps into memory.
#![allow(unsafe_code, reason = "a mapped file is memory that others could change")]

use std::fs::File;
use std::io;
use std::path::Path;

use bytes::Bytes;

use crate::Buffer;

/// Maps a file: its pages are read when they are first looked at, and all processes that map it share them.
///
/// The file must not be changed in place while it is mapped; to replace it, rename another over it, as `quantize` does.
///
/// # Errors
/// Where the file cannot be opened or mapped.
pub fn map(path: &Path) -> io::Result<Buffer> {
    let file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(Buffer::copy(&[]));
    }
    // SAFETY: the mapping is private and never written. What remains is another process that changes or cuts the
    // file in place, which the documentation forbids, as for every program that is run from a file.
    let map = unsafe { memmap2::MmapOptions::new().map_copy_read_only(&file) }?;
    Ok(Buffer::new(Bytes::from_owner(map)))
}
