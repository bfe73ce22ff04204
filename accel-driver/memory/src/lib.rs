//! Memory that a device or another process reads and writes at the same time.
//!
//! A [`SharedMemory`] is a mapped file: a file without a name, or a file that came over a socket.
//! The crate never gives out a reference into the memory. It copies bytes in and out by relaxed
//! atomics of eight bytes, and it loads and stores single words with the ordering that the caller
//! asks for. A concurrent write of the other side is therefore no undefined behaviour: the reader
//! gets the old bytes or the new ones.
//!
//! The owner of a file without a seal can cut the file, and the owner of huge pages can take them
//! away. An access to the pages would then kill this process. The kernel copies bytes from and to
//! such memory instead, and the copy fails.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::Ordering;

use rustix::fs::{MemfdFlags, SealFlags};

mod guard;
#[cfg(not(lockstep_loom))]
mod mapping;
#[cfg(lockstep_loom)]
#[path = "loom.rs"]
mod mapping;

use mapping::Mapping;
pub use mapping::fence;

/// `f_type` of files of huge pages: a hole in them is filled only while a huge page is free.
const HUGETLBFS_MAGIC: u32 = 0x9584_58f6;

/// A range that is not inside the memory, or whose pages the file's owner took away.
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

/// A mapped file.
#[derive(Debug)]
pub struct SharedMemory {
    file: OwnedFd,
    mapping: Mapping,
    /// Whether pages may vanish, so that only the kernel may touch them.
    guarded: bool,
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
            return Ok(Self { mapping: Mapping::new(file.as_fd(), len, true)?, file, guarded: false });
        }
        let file = rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        rustix::fs::ftruncate(&file, len as u64)?;
        rustix::fs::fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Self::map(file, true)
    }

    /// Maps a file with its present size. Accesses are fast if the file has the seal
    /// `F_SEAL_SHRINK` and ordinary pages; in another file each access is a system call.
    ///
    /// # Errors
    /// The file is empty, or the system refuses to map it.
    pub fn map(file: OwnedFd, writable: bool) -> io::Result<Self> {
        let sealed = rustix::fs::fcntl_get_seals(&file).is_ok_and(|seals| seals.contains(SealFlags::SHRINK));
        let huge = rustix::fs::fstatfs(&file)?.f_type as u32 == HUGETLBFS_MAGIC;
        let size = rustix::fs::fstat(&file)?.st_size;
        match usize::try_from(size) {
            Ok(len @ 1..) if isize::try_from(len).is_ok() => {
                let mapping = Mapping::new(file.as_fd(), len, writable)?;
                Ok(Self { mapping, file, guarded: !sealed || huge })
            }
            _ => {
                let why = format!("a file of {size} bytes cannot be mapped");
                Err(io::Error::new(io::ErrorKind::InvalidInput, why))
            }
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
    /// The range is not inside the memory, or its pages are gone.
    pub fn read(&self, offset: u64, to: &mut [u8]) -> Result<(), OutOfRange> {
        let at = self.range(offset, to.len())?;
        if self.guarded {
            return self.gone_unless(guard::read(self.address() + at, to), offset, to.len());
        }
        self.mapping.read(at, to);
        Ok(())
    }

    /// Copies bytes into the memory.
    ///
    /// # Errors
    /// The range is not inside the memory, or its pages are gone.
    ///
    /// # Panics
    /// The memory was mapped for reading only.
    pub fn write(&self, offset: u64, from: &[u8]) -> Result<(), OutOfRange> {
        let at = self.range(offset, from.len())?;
        self.check_writable();
        if self.guarded {
            return self.gone_unless(guard::write(self.address() + at, from), offset, from.len());
        }
        self.mapping.write(at, from);
        Ok(())
    }

    /// Loads the 32-bit word at byte `offset`.
    ///
    /// # Errors
    /// The word is not inside the memory, or its page is gone.
    ///
    /// # Panics
    /// The offset is not a multiple of four, or `order` is an ordering for stores only.
    pub fn load(&self, offset: u64, order: Ordering) -> Result<u32, OutOfRange> {
        let at = self.range(offset, 4)?;
        if self.guarded {
            let mut bytes = [0; 4];
            self.read(offset, &mut bytes)?;
            fence(Ordering::SeqCst);
            return Ok(u32::from_ne_bytes(bytes));
        }
        Ok(self.mapping.word(at).load(order))
    }

    /// Stores the 32-bit word at byte `offset`.
    ///
    /// # Errors
    /// The word is not inside the memory, or its page is gone.
    ///
    /// # Panics
    /// The offset is not a multiple of four, `order` is an ordering for loads only, or the memory
    /// was mapped for reading only.
    pub fn store(&self, offset: u64, value: u32, order: Ordering) -> Result<(), OutOfRange> {
        let at = self.range(offset, 4)?;
        self.check_writable();
        if self.guarded {
            fence(Ordering::SeqCst);
            return self.write(offset, &value.to_ne_bytes());
        }
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

    fn check_writable(&self) {
        assert!(self.mapping.writable(), "memory that is mapped for reading only");
    }

    fn gone_unless(&self, copied: bool, offset: u64, len: usize) -> Result<(), OutOfRange> {
        let size = self.size();
        if copied { Ok(()) } else { Err(OutOfRange { offset, len, size }) }
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
