//! A mapping of a file. Only this file uses the addresses.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
pub use std::sync::atomic::fence;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

/// Mapped pages of a file. All accesses are atomic.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<u8>,
    len: usize,
    writable: bool,
}

// SAFETY: the value owns the pages, and all accesses are atomic.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the first `len` bytes of a file. The caller checked that the file has these bytes and
    /// cannot shrink.
    pub(crate) fn new(file: BorrowedFd<'_>, len: usize, writable: bool) -> io::Result<Self> {
        Ok(Self { base: pages::map(file, len, writable)?, len, writable })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn address(&self) -> usize {
        self.base.as_ptr().expose_provenance()
    }

    pub(crate) fn writable(&self) -> bool {
        self.writable
    }

    /// How many of the `len` bytes from `at` on are before the next multiple of eight.
    fn head(at: usize, len: usize) -> usize {
        at.wrapping_neg().rem_euclid(8).min(len)
    }

    pub(crate) fn read(&self, at: usize, to: &mut [u8]) {
        let end = at + to.len();
        let (head, rest) = to.split_at_mut(Self::head(at, to.len()));
        let middle = at + head.len();
        self.read_bytes(at, head);
        let mut words = rest.chunks_exact_mut(8);
        for (i, word) in (&mut words).enumerate() {
            word.copy_from_slice(&self.long(middle + 8 * i).load(Ordering::Relaxed).to_ne_bytes());
        }
        let tail = words.into_remainder();
        self.read_bytes(end - tail.len(), tail);
    }

    pub(crate) fn write(&self, at: usize, from: &[u8]) {
        let (head, rest) = from.split_at(Self::head(at, from.len()));
        let middle = at + head.len();
        self.write_bytes(at, head);
        let (words, tail) = rest.as_chunks::<8>();
        for (i, word) in words.iter().enumerate() {
            self.long(middle + 8 * i).store(u64::from_ne_bytes(*word), Ordering::Relaxed);
        }
        self.write_bytes(at + from.len() - tail.len(), tail);
    }

    fn read_bytes(&self, at: usize, to: &mut [u8]) {
        for (i, byte) in to.iter_mut().enumerate() {
            *byte = self.byte(at + i).load(Ordering::Relaxed);
        }
    }

    fn write_bytes(&self, at: usize, from: &[u8]) {
        for (i, &byte) in from.iter().enumerate() {
            self.byte(at + i).store(byte, Ordering::Relaxed);
        }
    }

    fn byte(&self, at: usize) -> &AtomicU8 {
        assert!(at < self.len);
        // SAFETY: the byte is mapped as long as `self` lives, and all accesses are atomic.
        unsafe { AtomicU8::from_ptr(self.base.as_ptr().add(at)) }
    }

    /// Four bytes. They are aligned, because `base` is the start of a page.
    pub(crate) fn word(&self, at: usize) -> &AtomicU32 {
        assert!(at.is_multiple_of(4) && at < self.len && self.len - at >= 4, "no aligned word at {at:#x}");
        // SAFETY: as in `byte`; the address is a multiple of four.
        unsafe { AtomicU32::from_ptr(self.base.as_ptr().add(at).cast()) }
    }

    fn long(&self, at: usize) -> &AtomicU64 {
        assert!(at.is_multiple_of(8) && at < self.len && self.len - at >= 8);
        // SAFETY: as in `byte`; the address is a multiple of eight.
        unsafe { AtomicU64::from_ptr(self.base.as_ptr().add(at).cast()) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: `new` mapped this range, and no reference into the range outlives the value.
        unsafe { pages::unmap(self.base, self.len) };
    }
}

#[cfg(not(miri))]
mod pages {
    //! Pages of a file.

    use std::io;
    use std::os::fd::BorrowedFd;
    use std::ptr::NonNull;

    use rustix::mm::{MapFlags, ProtFlags};

    pub(super) fn map(file: BorrowedFd<'_>, len: usize, writable: bool) -> io::Result<NonNull<u8>> {
        let protection = if writable { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
        // SAFETY: the system chooses a range of addresses that is free.
        let base =
            unsafe { rustix::mm::mmap(std::ptr::null_mut(), len, protection, MapFlags::SHARED, file, 0)? };
        Ok(NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?)
    }

    /// # Safety
    /// [`map`] gave these pages, and nobody uses them any more.
    pub(super) unsafe fn unmap(base: NonNull<u8>, len: usize) {
        // SAFETY: the caller's promise.
        let _ = unsafe { rustix::mm::munmap(base.as_ptr().cast(), len) };
    }
}

#[cfg(miri)]
mod pages {
    //! Memory of this process alone: Miri knows no pages of files.

    use std::alloc::{Layout, alloc_zeroed, dealloc};
    use std::io;
    use std::os::fd::BorrowedFd;
    use std::ptr::NonNull;

    fn layout(len: usize) -> io::Result<Layout> {
        let layout = Layout::from_size_align(len, 4096).ok().filter(|layout| layout.size() > 0);
        layout.ok_or_else(|| io::ErrorKind::InvalidInput.into())
    }

    pub(super) fn map(_: BorrowedFd<'_>, len: usize, _: bool) -> io::Result<NonNull<u8>> {
        // SAFETY: the layout has bytes.
        Ok(NonNull::new(unsafe { alloc_zeroed(layout(len)?) }).ok_or(io::ErrorKind::OutOfMemory)?)
    }

    /// # Safety
    /// [`map`] gave this memory, and nobody uses it any more.
    pub(super) unsafe fn unmap(base: NonNull<u8>, len: usize) {
        if let Ok(layout) = layout(len) {
            // SAFETY: the caller's promise, and `map` had the same layout.
            unsafe { dealloc(base.as_ptr(), layout) };
        }
    }
}
