//! What memory of its client a device can reach.

use std::collections::BTreeMap;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Weak};

use lockstep_accel_memory::{OutOfRange, SharedMemory};

use crate::Errno;

/// An address that is not mapped, or not for this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DmaFault {
    /// The first such address.
    pub iova: u64,
}

impl std::fmt::Display for DmaFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DMA at {:#x} is not mapped for this", self.iova)
    }
}

impl std::error::Error for DmaFault {}

/// Consecutive addresses and where they are.
#[derive(Clone, Debug)]
struct Map {
    /// The last address: a range may end at the greatest one.
    last: u64,
    /// Nothing where the client gave no file: it can be unmapped, and that is all.
    memory: Option<Arc<SharedMemory>>,
    /// In `memory`.
    offset: u64,
    writable: bool,
}

/// The maps, by their first address. They do not overlap.
///
/// A client such as QEMU maps single pages of one file, so a file is mapped once, whole, and found by its identity.
#[derive(Debug, Default)]
pub struct DmaTable {
    ranges: BTreeMap<u64, Map>,
    files: Vec<((u64, u64), Weak<SharedMemory>)>,
}

impl DmaTable {
    /// Most maps at once; QEMU takes no more from a server.
    pub const MAX_MAPS: usize = 65_535;

    /// Maps `size` bytes of a file at `offset` to the addresses from `iova` on.
    ///
    /// # Errors
    /// `EINVAL`: no bytes, or addresses or bytes of the file that do not exist, or a file that may shrink; `EEXIST`: part is mapped
    /// already; `ENOSPC`: too many maps; others of the system.
    pub fn map(
        &mut self,
        iova: u64,
        size: u64,
        file: Option<OwnedFd>,
        offset: u64,
        writable: bool,
    ) -> Result<(), Errno> {
        let last = size.checked_sub(1).and_then(|s| iova.checked_add(s)).ok_or(Errno::INVAL)?;
        if self.overlapping(iova, last).next().is_some() {
            return Err(Errno::EXIST);
        }
        if self.ranges.len() == Self::MAX_MAPS {
            return Err(Errno::NOSPC);
        }
        let memory = file.map(|f| self.memory(f, offset, size)).transpose()?;
        self.ranges.insert(iova, Map { last, memory, offset, writable });
        Ok(())
    }

    /// Takes away `size` addresses from `iova` on, whether they are whole maps, parts of maps, or were never mapped.
    ///
    /// # Errors
    /// `EINVAL`: no bytes or addresses that do not exist.
    pub fn unmap(&mut self, iova: u64, size: u64) -> Result<(), Errno> {
        let last = size.checked_sub(1).and_then(|s| iova.checked_add(s)).ok_or(Errno::INVAL)?;
        let hit: Vec<u64> = self.overlapping(iova, last).map(|(&first, _)| first).collect();
        for first in hit {
            let Some(range) = self.ranges.remove(&first) else { continue };
            if range.last > last {
                let offset = range.offset + (last + 1 - first);
                self.ranges.insert(last + 1, Map { offset, ..range.clone() });
            }
            if first < iova {
                self.ranges.insert(first, Map { last: iova - 1, ..range });
            }
        }
        self.files.retain(|(_, memory)| memory.strong_count() > 0);
        Ok(())
    }

    /// Takes all away.
    pub fn clear(&mut self) {
        self.ranges.clear();
        self.files.clear();
    }

    /// How many maps there are.
    #[must_use]
    pub fn maps(&self) -> usize {
        self.ranges.len()
    }

    /// Copies bytes from the client's memory, across the borders of maps.
    ///
    /// # Errors
    /// An address is not mapped; bytes before it may have been copied.
    pub fn read(&self, iova: u64, to: &mut [u8]) -> Result<(), DmaFault> {
        self.pieces(iova, to.len(), false, |memory, offset, piece| memory.read(offset, &mut to[piece]))
    }

    /// Copies bytes to the client's memory, across the borders of maps.
    ///
    /// # Errors
    /// An address is not mapped for writing; bytes before it may have been copied.
    pub fn write(&self, iova: u64, from: &[u8]) -> Result<(), DmaFault> {
        self.pieces(iova, from.len(), true, |memory, offset, piece| memory.write(offset, &from[piece]))
    }

    /// Copies `len` bytes at `iova`, one call for each part of them that lies in one map.
    fn pieces(
        &self,
        iova: u64,
        len: usize,
        write: bool,
        mut copy: impl FnMut(&SharedMemory, u64, Range<usize>) -> Result<(), OutOfRange>,
    ) -> Result<(), DmaFault> {
        let mut done = 0;
        while done < len {
            let (memory, offset, n) = self.piece(iova, done, len - done, write)?;
            copy(memory, offset, done..done + n).map_err(|_| DmaFault { iova: iova + done as u64 })?;
            done += n;
        }
        Ok(())
    }

    /// Where the byte `done` behind `iova` is, and how many of `len` bytes from there on are in one place.
    fn piece(
        &self,
        iova: u64,
        done: usize,
        len: usize,
        write: bool,
    ) -> Result<(&SharedMemory, u64, usize), DmaFault> {
        let iova = iova.checked_add(done as u64).ok_or(DmaFault { iova: u64::MAX })?;
        let (&first, range) = self.ranges.range(..=iova).next_back().ok_or(DmaFault { iova })?;
        match &range.memory {
            Some(memory) if range.last >= iova && (range.writable || !write) => {
                let left = usize::try_from(range.last - iova).unwrap_or(usize::MAX);
                Ok((memory, range.offset + (iova - first), len.min(left.saturating_add(1))))
            }
            _ => Err(DmaFault { iova }),
        }
    }

    /// The ranges that share an address with `first..=last`.
    fn overlapping(&self, first: u64, last: u64) -> impl Iterator<Item = (&u64, &Map)> {
        self.ranges.range(..=last).rev().take_while(move |(_, range)| range.last >= first)
    }

    /// A file's memory, in which `offset..offset + size` lies.
    fn memory(&mut self, file: OwnedFd, offset: u64, size: u64) -> Result<Arc<SharedMemory>, Errno> {
        let stat = rustix::fs::fstat(&file)?;
        let end = offset.checked_add(size).ok_or(Errno::INVAL)?;
        if u64::try_from(stat.st_size).is_ok_and(|s| s < end) {
            return Err(Errno::INVAL);
        }
        let identity = (stat.st_dev, stat.st_ino);
        // A file may have grown since it was mapped.
        let known =
            self.files.iter().filter(|(i, _)| *i == identity).find_map(|(_, memory)| memory.upgrade());
        if let Some(memory) = known.filter(|memory| memory.size() as u64 >= end) {
            return Ok(memory);
        }
        let memory =
            SharedMemory::map(file, true).map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::INVAL))?;
        let memory = Arc::new(memory);
        self.files.retain(|(i, _)| *i != identity);
        self.files.push((identity, Arc::downgrade(&memory)));
        Ok(memory)
    }
}
