//! Bytes that begin at a multiple of 64.

use bytes::Bytes;
use lockstep_kernels::Line;

/// The bytes of a file, aligned for its weights. A clone shares them.
#[derive(Clone, Debug, Default)]
pub struct Buffer(Bytes);

/// What owns the lines of a buffer.
struct Lines(Box<[Line]>);

impl AsRef<[u8]> for Lines {
    fn as_ref(&self) -> &[u8] {
        lockstep_kernels::bytes_of_lines(&self.0)
    }
}

impl Buffer {
    /// Bytes wherever they lie. Those that do not begin at a multiple of 64 are copied to where they do.
    #[must_use]
    pub fn new(bytes: Bytes) -> Self {
        if bytes.as_ptr().addr().is_multiple_of(align_of::<Line>()) {
            Self(bytes)
        } else {
            Self::copy(&bytes)
        }
    }

    /// The first `len` bytes of lines; all of them where there are fewer.
    #[must_use]
    pub fn of_lines(lines: Box<[Line]>, len: usize) -> Self {
        let mut bytes = Bytes::from_owner(Lines(lines));
        bytes.truncate(len);
        Self(bytes)
    }

    /// A copy.
    #[must_use]
    pub fn copy(bytes: &[u8]) -> Self {
        let line = |chunk: &[u8]| {
            let mut line = Line([0; 64]);
            line.0[..chunk.len()].copy_from_slice(chunk);
            line
        };
        Self::of_lines(bytes.chunks(size_of::<Line>()).map(line).collect(), bytes.len())
    }

    /// The bytes, to be shared.
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
