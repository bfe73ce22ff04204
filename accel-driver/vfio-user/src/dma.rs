//! The client's memory that a device can reach by DMA.

use std::collections::BTreeMap;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Weak};

use lockstep_accel_memory::{OutOfRange, SharedMemory};

use crate::Errno;

/// An address that is not mapped, or not mapped for writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DmaFault {
    /// The first such bus address.
    pub iova: u64,
}

impl std::fmt::Display for DmaFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DMA at {:#x} is not mapped for this", self.iova)
    }
}

impl std::error::Error for DmaFault {}

/// Consecutive bus addresses and their memory.
#[derive(Clone, Debug)]
struct Map {
    /// The last address. (The address behind it may not exist: a map may end at 2^64 - 1.)
    last: u64,
    /// `None` if the client gave no file: the device cannot access such a map.
    memory: Option<Arc<SharedMemory>>,
    /// Byte of `memory` that belongs to the first address.
    offset: u64,
    writable: bool,
}

/// The maps of a client, by their first address. Maps never overlap.
///
/// A client such as QEMU sends many maps of single pages of one file. The table therefore maps each
/// file once and whole, and finds it again by its device and inode number.
#[derive(Debug, Default)]
pub struct DmaTable {
    ranges: BTreeMap<u64, Map>,
    files: Vec<((u64, u64), Weak<SharedMemory>)>,
}

impl DmaTable {
    /// Largest number of maps. QEMU accepts no larger limit from a server.
    pub const MAX_MAPS: usize = 65_535;

    /// Maps `size` bytes of a file: byte `offset` of the file gets the bus address `iova`.
    ///
    /// # Errors
    /// `EINVAL`: the size is 0, an address is above 2^64 - 1, or the file is shorter. `EEXIST`: an
    /// address is mapped already. `ENOSPC`: there are [`Self::MAX_MAPS`] maps. Other errors come
    /// from the system.
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
        if self.ranges.len() >= Self::MAX_MAPS {
            return Err(Errno::NOSPC);
        }
        let memory = file.map(|f| self.memory(f, offset, size)).transpose()?;
        // Without a file the offset means nothing, and a sum with it might not fit.
        let offset = if memory.is_some() { offset } else { 0 };
        self.ranges.insert(iova, Map { last, memory, offset, writable });
        Ok(())
    }

    /// Removes the maps of `size` bus addresses from `iova` on. The range may cover parts of maps,
    /// and addresses that are not mapped.
    ///
    /// # Errors
    /// `EINVAL`: the size is 0 or an address is above 2^64 - 1. `ENOSPC`: the range lies within a
    /// map, so that two maps would be left of it, and there are [`Self::MAX_MAPS`] maps.
    pub fn unmap(&mut self, iova: u64, size: u64) -> Result<(), Errno> {
        let last = size.checked_sub(1).and_then(|s| iova.checked_add(s)).ok_or(Errno::INVAL)?;
        let hit: Vec<u64> = self.overlapping(iova, last).map(|(&first, _)| first).collect();
        let splits = match hit[..] {
            [first] => first < iova && self.ranges[&first].last > last,
            _ => false,
        };
        if splits && self.ranges.len() >= Self::MAX_MAPS {
            return Err(Errno::NOSPC);
        }
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

    /// Removes all maps.
    pub fn clear(&mut self) {
        self.ranges.clear();
        self.files.clear();
    }

    /// The number of maps.
    #[must_use]
    pub fn maps(&self) -> usize {
        self.ranges.len()
    }

    /// Whether an address is mapped, but without a file.
    #[must_use]
    pub fn has_no_file(&self, iova: u64) -> bool {
        let map = self.overlapping(iova, iova).next();
        map.is_some_and(|(_, map)| map.memory.is_none())
    }

    /// Copies bytes from the client's memory at bus address `iova`. The range may cover several
    /// maps.
    ///
    /// # Errors
    /// An address is not mapped. The bytes before this address may have been copied.
    pub fn read(&self, iova: u64, to: &mut [u8]) -> Result<(), DmaFault> {
        self.pieces(iova, to.len(), false, |memory, offset, piece| memory.read(offset, &mut to[piece]))
    }

    /// Copies bytes to the client's memory at bus address `iova`. The range may cover several maps.
    ///
    /// # Errors
    /// An address is not mapped for writing. The bytes before this address may have been copied.
    pub fn write(&self, iova: u64, from: &[u8]) -> Result<(), DmaFault> {
        self.pieces(iova, from.len(), true, |memory, offset, piece| memory.write(offset, &from[piece]))
    }

    /// Calls `copy` for each part of `len` bytes at `iova` that lies in one map. The arguments are
    /// the memory, the offset in the memory, and the range in the caller's bytes.
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

    /// Finds the map of the address `iova + done`: its memory, the offset in the memory, and how
    /// many of the next `len` bytes lie in the same map.
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

    /// The maps that share an address with `first..=last`.
    fn overlapping(&self, first: u64, last: u64) -> impl Iterator<Item = (&u64, &Map)> {
        self.ranges.range(..=last).rev().take_while(move |(_, range)| range.last >= first)
    }

    /// The memory of a file; it covers `offset..offset + size`.
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
