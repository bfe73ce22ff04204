//! Memory that a device or another process reads and writes at the same time.
//!
//! A [`SharedMemory`] is a mapped file: a file without a name, or a file that came over a socket.
//! The crate never gives out a reference into the memory. It copies bytes in and out by relaxed
//! atomics of eight bytes, and it loads and stores single words with the ordering that the caller
//! asks for. A concurrent write of the other side is therefore no undefined behaviour: the reader
//! gets the old bytes or the new ones.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::Ordering;

use rustix::fs::{MemfdFlags, SealFlags};

#[cfg(not(lockstep_loom))]
mod mapping;
#[cfg(lockstep_loom)]
#[path = "loom.rs"]
mod mapping;

use mapping::Mapping;
pub use mapping::fence;

/// `f_type` of files of huge pages: a hole in them is filled only while a huge page is free.
const HUGETLBFS_MAGIC: u32 = 0x9584_58f6;

/// A range that is not inside the memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    /// First byte of the range.
    pub offset: u64,
    /// Number of bytes of the range.
    pub len: usize,
    /// Number of bytes of the memory.
    pub size: usize,
}

impl std::fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes at {:#x} do not lie in a memory of {} bytes", self.len, self.offset, self.size)
    }
}

impl std::error::Error for OutOfRange {}

/// A mapped file that cannot shrink.
#[derive(Debug)]
pub struct SharedMemory {
    file: OwnedFd,
    mapping: Mapping,
}

impl SharedMemory {
    /// Creates memory of `len` zero bytes. `/proc/PID/maps` shows the name.
    ///
    /// # Errors
    /// `len` is 0 or larger than the address space, or the system has no memory.
    pub fn create(name: &str, len: usize) -> io::Result<Self> {
        if cfg!(any(miri, lockstep_loom)) {
            // Miri and loom know no files in memory. The mapping is then the process's own memory.
            let file = OwnedFd::from(File::open("/dev/null")?);
            return Ok(Self { mapping: Mapping::new(file.as_fd(), len, true)?, file });
        }
        let file = rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        rustix::fs::ftruncate(&file, len as u64)?;
        rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Self::map(file, true)
    }

    /// Maps a file with its present size. An access behind the end of a file that shrank would kill
    /// the process, so the file needs the seal `F_SEAL_SHRINK`. An access to a huge page that its
    /// owner has freed would kill it as well, so the file needs ordinary pages.
    ///
    /// # Errors
    /// The file is empty, lacks the seal, has huge pages, or the system refuses to map it.
    pub fn map(file: OwnedFd, writable: bool) -> io::Result<Self> {
        let refuse = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        match rustix::fs::fcntl_get_seals(&file) {
            Ok(seals) if seals.contains(SealFlags::SHRINK) => {}
            Ok(_) => return refuse("the file may shrink while it is mapped: it has no seal against it"),
            Err(error) => return refuse(&format!("no file of a kind that has seals: {error}")),
        }
        if rustix::fs::fstatfs(&file)?.f_type as u32 == HUGETLBFS_MAGIC {
            return refuse("the file has huge pages, which its owner may free: use ordinary pages");
        }
        let size = rustix::fs::fstat(&file)?.st_size;
        match usize::try_from(size) {
            Ok(len @ 1..) if isize::try_from(len).is_ok() => {
                Ok(Self { mapping: Mapping::new(file.as_fd(), len, writable)?, file })
            }
            _ => refuse(&format!("a file of {size} bytes cannot be mapped")),
        }
    }

    /// Number of bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.mapping.len()
    }

    /// Address of the first byte in this process, for a DMA map of the kernel's VFIO. It is the
    /// same until the drop.
    #[must_use]
    pub fn address(&self) -> usize {
        self.mapping.address()
    }

    /// Copies bytes out of the memory.
    ///
    /// # Errors
    /// The range is not inside the memory.
    pub fn read(&self, offset: u64, to: &mut [u8]) -> Result<(), OutOfRange> {
        let at = self.range(offset, to.len())?;
        self.mapping.read(at, to);
        Ok(())
    }

    /// Copies bytes into the memory.
    ///
    /// # Errors
    /// The range is not inside the memory.
    ///
    /// # Panics
    /// The memory was mapped for reading only.
    pub fn write(&self, offset: u64, from: &[u8]) -> Result<(), OutOfRange> {
        let at = self.range(offset, from.len())?;
        self.mapping.write(at, from);
        Ok(())
    }

    /// Loads the 32-bit word at byte `offset`.
    ///
    /// # Errors
    /// The word is not inside the memory.
    ///
    /// # Panics
    /// The offset is not a multiple of four, or `order` is an ordering for stores only.
    pub fn load(&self, offset: u64, order: Ordering) -> Result<u32, OutOfRange> {
        let at = self.range(offset, 4)?;
        Ok(self.mapping.word(at).load(order))
    }

    /// Stores the 32-bit word at byte `offset`.
    ///
    /// # Errors
    /// The word is not inside the memory.
    ///
    /// # Panics
    /// The offset is not a multiple of four, `order` is an ordering for loads only, or the memory
    /// was mapped for reading only.
    pub fn store(&self, offset: u64, value: u32, order: Ordering) -> Result<(), OutOfRange> {
        let at = self.range(offset, 4)?;
        assert!(self.mapping.writable(), "memory that is mapped for reading only");
        self.mapping.word(at).store(value, order);
        Ok(())
    }

    /// Duplicates the file descriptor, for another process.
    ///
    /// # Errors
    /// The system has no free file descriptor.
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
