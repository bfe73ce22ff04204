//! Bytes whose address is a multiple of 64.

#[cfg(not(target_family = "wasm"))]
use std::{fs::File, io, io::Read as _, path::Path};

use bytes::Bytes;
use lockstep_kernels::Line;

/// The bytes of a file, aligned to 64 bytes for its weights. Clones share the bytes.
#[derive(Clone, Debug, Default)]
pub struct Buffer(Bytes);

/// Owns the lines of a buffer, so that [`Bytes`] can share them.
struct Lines(Box<[Line]>);

impl AsRef<[u8]> for Lines {
    fn as_ref(&self) -> &[u8] {
        lockstep_kernels::bytes_of_lines(&self.0)
    }
}

impl Buffer {
    /// Takes bytes at any address, and copies them only if that address is not a multiple of 64.
    #[must_use]
    pub fn new(bytes: Bytes) -> Self {
        if bytes.as_ptr().addr().is_multiple_of(align_of::<Line>()) {
            Self(bytes)
        } else {
            Self::copy(&bytes)
        }
    }

    /// Reads a file to aligned memory. Whoever changes the file later does not change the buffer.
    ///
    /// # Errors
    /// The error of the system if the file cannot be opened or read.
    #[cfg(not(target_family = "wasm"))]
    pub fn read(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let len = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        let mut bytes: Vec<u8> = Vec::with_capacity(len.saturating_add(align_of::<Line>()));
        let begin = bytes.as_ptr().align_offset(align_of::<Line>()).min(align_of::<Line>());
        bytes.resize(begin, 0);
        // A file that grew meanwhile moves the bytes, and `new` copies them to aligned memory.
        file.read_to_end(&mut bytes)?;
        Ok(Self::new(Bytes::from(bytes).slice(begin..)))
    }

    /// The first `len` bytes of the lines, or all bytes if the lines have fewer.
    #[must_use]
    pub fn of_lines(lines: Box<[Line]>, len: usize) -> Self {
        let mut bytes = Bytes::from_owner(Lines(lines));
        bytes.truncate(len);
        Self(bytes)
    }

    /// Copies the bytes to aligned memory.
    #[must_use]
    pub fn copy(bytes: &[u8]) -> Self {
        let line = |chunk: &[u8]| {
            let mut line = Line([0; 64]);
            line.0[..chunk.len()].copy_from_slice(chunk);
            line
        };
        Self::of_lines(bytes.chunks(size_of::<Line>()).map(line).collect(), bytes.len())
    }

    /// Gives the bytes up, for users that share parts of them.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl std::ops::Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Self {
        Self::new(bytes.into())
    }
}

impl From<&[u8]> for Buffer {
    fn from(bytes: &[u8]) -> Self {
        Self::copy(bytes)
    }
}
