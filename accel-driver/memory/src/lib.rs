//! Memory that a device or another process reads and writes at the same time.
//!
//! A [`SharedMemory`] is a file without a name (or one that came over a socket), mapped. No reference into it is ever given
//! out: bytes are copied in and out by relaxed atomics of eight bytes, and single words are loaded and stored with the
//! ordering that a ring's protocol asks for. So what the other side does at the same time is never undefined, only old or new.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::Ordering;

use rustix::fs::{MemfdFlags, SealFlags};

mod mapping;

use mapping::Mapping;

/// A range that does not lie in the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    /// Its first byte.
    pub offset: u64,
    /// Its bytes.
    pub len: usize,
    /// Bytes of the memory.
    pub size: usize,
}

impl std::fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes at {:#x} do not lie in a memory of {} bytes", self.len, self.offset, self.size)
    }
}

impl std::error::Error for OutOfRange {}

/// A mapped file whose size cannot shrink.
#[derive(Debug)]
pub struct SharedMemory {
    file: OwnedFd,
    mapping: Mapping,
}

impl SharedMemory {
    /// New memory, zeroed, of at least one byte; `name` is what `/proc/PID/maps` shows.
    ///
    /// # Errors
    /// `len` is zero or more than an address space, or of the system: no memory.
    pub fn create(name: &str, len: usize) -> io::Result<Self> {
        let file = rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        rustix::fs::ftruncate(&file, len as u64)?;
        rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Self::map(file, true)
    }

    /// All of a file as it is now. What is mapped must not vanish: a file that may shrink is refused.
    ///
    /// # Errors
    /// The file is empty, has no seal against shrinking, or cannot be mapped.
    pub fn map(file: OwnedFd, writable: bool) -> io::Result<Self> {
        let refuse = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        match rustix::fs::fcntl_get_seals(&file) {
            Ok(seals) if seals.contains(SealFlags::SHRINK) => {}
            Ok(_) => return refuse("the file may shrink while it is mapped: it has no seal against it"),
            Err(error) => return refuse(&format!("no file of a kind that has seals: {error}")),
        }
        let size = rustix::fs::fstat(&file)?.st_size;
        match usize::try_from(size) {
            Ok(len @ 1..) if isize::try_from(len).is_ok() => {
                Ok(Self { mapping: Mapping::new(file.as_fd(), len, writable)?, file })
            }
            _ => refuse(&format!("a file of {size} bytes cannot be mapped")),
        }
    }

    /// Bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.mapping.len()
    }

    /// Where it is mapped in this process: what the kernel's VFIO takes for a DMA mapping. It stays there until the drop.
    #[must_use]
    pub fn address(&self) -> usize {
        self.mapping.address()
    }

    /// Copies bytes out.
    ///
    /// # Errors
    /// The range does not lie in the memory.
    pub fn read(&self, offset: u64, to: &mut [u8]) -> Result<(), OutOfRange> {
        let at = self.range(offset, to.len())?;
        self.mapping.read(at, to);
        Ok(())
    }

    /// Copies bytes in.
    ///
    /// # Errors
    /// The range does not lie in the memory.
    ///
    /// # Panics
    /// The memory was mapped for reading only.
    pub fn write(&self, offset: u64, from: &[u8]) -> Result<(), OutOfRange> {
        let at = self.range(offset, from.len())?;
        self.mapping.write(at, from);
        Ok(())
    }

    /// A word.
    ///
    /// # Errors
    /// It does not lie in the memory.
    ///
    /// # Panics
    /// The offset is not a multiple of four, or the ordering is one of stores.
    pub fn load(&self, offset: u64, order: Ordering) -> Result<u32, OutOfRange> {
        let at = self.range(offset, 4)?;
        Ok(self.mapping.word(at).load(order))
    }

    /// Sets a word.
    ///
    /// # Errors
    /// It does not lie in the memory.
    ///
    /// # Panics
    /// The offset is not a multiple of four, the ordering is one of loads, or the memory was mapped for reading only.
    pub fn store(&self, offset: u64, value: u32, order: Ordering) -> Result<(), OutOfRange> {
        let at = self.range(offset, 4)?;
        assert!(self.mapping.writable(), "memory that is mapped for reading only");
        self.mapping.word(at).store(value, order);
        Ok(())
    }

    /// A file of the same memory, to be given to another process.
    ///
    /// # Errors
    /// Of the system.
    pub fn file(&self) -> io::Result<File> {
        Ok(File::from(self.file.try_clone()?))
    }

    fn range(&self, offset: u64, len: usize) -> Result<usize, OutOfRange> {
        let size = self.size();
        let inside = |at: usize| at.checked_add(len).is_some_and(|end| end <= size);
        usize::try_from(offset).ok().filter(|&at| inside(at)).ok_or(OutOfRange { offset, len, size })
    }
}

impl AsFd for SharedMemory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
