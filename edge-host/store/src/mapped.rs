//! Maps a file into memory.
#![allow(unsafe_code, reason = "another process could change a mapped file")]

use std::fs::File;
use std::io;
use std::path::Path;

use bytes::Bytes;

/// Maps a file of vectors. The system reads a page when it is first accessed.
///
/// Nobody may change the mapped bytes. The store only writes behind those that a segment has.
///
/// # Errors
/// The error of the system if the file cannot be opened or mapped.
pub fn map(path: &Path) -> io::Result<Bytes> {
    let file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(Bytes::new());
    }
    // SAFETY: the mapping is private and never written. The store has its folder alone, by a lock,
    // and cuts a file only before it maps it. Another program that changes the file in place could
    // still break it; the documentation forbids that, as for every database.
    let map = unsafe { memmap2::MmapOptions::new().map_copy_read_only(&file) }?;
    Ok(Bytes::from_owner(map))
}
