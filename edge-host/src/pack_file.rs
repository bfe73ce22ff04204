//! A vector pack is written to a file.

use std::{fs::File, io, os::unix::fs::FileExt};

use lockstep_pack::Out;

/// The file.
pub(crate) struct PackFile<'a>(pub(crate) &'a File);

impl Out for PackFile<'_> {
    type Error = io::Error;

    fn put(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }
}
