//! A device's DMA and interrupts.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl, readlink};

use crate::{DmaFault, DmaTable, Errno, irq};

/// Gives a device DMA to the memory that the client mapped, and interrupts to the eventfds that the
/// client set. The threads of the device share the bus with their [`crate::Server`]. While the
/// client has the bus master switched off, DMA fails and interrupts are lost.
#[derive(Debug)]
pub struct Bus {
    dma: RwLock<DmaTable>,
    /// For each kind of interrupts, the eventfds of the vectors.
    interrupts: Mutex<[Vec<Option<OwnedFd>>; irq::COUNT as usize]>,
    master: AtomicBool,
    /// Memory that the device did not reach because it has no file.
    unreachable: Mutex<Unreachable>,
}

/// Whether the device asked for memory without a file.
#[derive(Clone, Copy, Debug, Default)]
enum Unreachable {
    #[default]
    Never,
    At(u64),
    Told,
}

impl Bus {
    /// A bus without maps. It has `vectors` MSI-X vectors, one vector to report an error and one
    /// vector to ask for a release.
    #[must_use]
    pub fn new(vectors: u16) -> Self {
        let empty = |n: usize| (0..n).map(|_| None).collect();
        let mut interrupts = [const { Vec::new() }; irq::COUNT as usize];
        interrupts[irq::MSIX as usize] = empty(vectors.into());
        interrupts[irq::ERROR as usize] = empty(1);
        interrupts[irq::REQUEST as usize] = empty(1);
        Self {
            dma: RwLock::default(),
            interrupts: Mutex::new(interrupts),
            master: AtomicBool::new(false),
            unreachable: Mutex::default(),
        }
    }

    /// Reads the client's memory at bus address `iova`.
    ///
    /// # Errors
    /// An address is not mapped, or the bus master is off.
    pub fn read(&self, iova: u64, to: &mut [u8]) -> Result<(), DmaFault> {
        self.mastering(iova)?;
        let table = self.table();
        table.read(iova, to).inspect_err(|fault| self.note(&table, fault))
    }

    /// Writes the client's memory at bus address `iova`.
    ///
    /// # Errors
    /// An address is not mapped for writing, or the bus master is off.
    pub fn write(&self, iova: u64, from: &[u8]) -> Result<(), DmaFault> {
        self.mastering(iova)?;
        let table = self.table();
        table.write(iova, from).inspect_err(|fault| self.note(&table, fault))
    }

    /// Raises an MSI-X vector. Returns whether an eventfd got the interrupt: none does if the
    /// client set no eventfd for the vector, or switched the bus master off.
    pub fn interrupt(&self, vector: u16) -> bool {
        self.master.load(Ordering::Acquire) && self.signal(irq::MSIX, vector.into())
    }

    /// Reports an error from which the device did not recover. Returns whether an eventfd got the
    /// report.
    pub fn report_error(&self) -> bool {
        self.signal(irq::ERROR, 0)
    }

    /// Asks the client to release the device. Returns whether an eventfd got the request.
    pub fn request_release(&self) -> bool {
        self.signal(irq::REQUEST, 0)
    }

    /// The first bus address that the device did not reach because the client mapped it without a
    /// file. Each client's address is given once.
    pub fn take_unreachable(&self) -> Option<u64> {
        let mut unreachable = self.unreachable();
        let Unreachable::At(iova) = *unreachable else { return None };
        *unreachable = Unreachable::Told;
        Some(iova)
    }

    fn unreachable(&self) -> MutexGuard<'_, Unreachable> {
        self.unreachable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a fault of memory without a file.
    fn note(&self, table: &DmaTable, fault: &DmaFault) {
        let mut unreachable = self.unreachable();
        if matches!(*unreachable, Unreachable::Never) && table.has_no_file(fault.iova) {
            *unreachable = Unreachable::At(fault.iova);
        }
    }

    /// Switches the bus master on or off. A device calls this after each write to the command
    /// register of its configuration space.
    pub fn set_master(&self, on: bool) {
        self.master.store(on, Ordering::Release);
    }

    /// The client's maps, for a change. The call waits until all copies have ended, so that no copy
    /// uses a map that was removed.
    pub(crate) fn table_mut(&self) -> RwLockWriteGuard<'_, DmaTable> {
        self.dma.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn table(&self) -> RwLockReadGuard<'_, DmaTable> {
        self.dma.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn mastering(&self, iova: u64) -> Result<(), DmaFault> {
        self.master.load(Ordering::Acquire).then_some(()).ok_or(DmaFault { iova })
    }

    fn interrupts(&self) -> MutexGuard<'_, [Vec<Option<OwnedFd>>; irq::COUNT as usize]> {
        self.interrupts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many vectors a kind of interrupts has; `None` if the kind does not exist.
    pub(crate) fn vectors(&self, kind: u32) -> Option<u32> {
        self.interrupts().get(kind as usize).map(|vectors| vectors.len() as u32)
    }

    /// Sets the eventfds of `count` vectors from vector `start` on. Other files are refused.
    /// Without files, the eventfds of these vectors are removed. From now on no read or write of
    /// such a file waits, the client's included (`O_NONBLOCK`).
    pub(crate) fn set_eventfds(
        &self,
        kind: u32,
        start: u32,
        count: u32,
        files: Vec<OwnedFd>,
    ) -> Result<(), Errno> {
        if !files.is_empty() && files.len() != count as usize {
            return Err(Errno::INVAL);
        }
        files.iter().try_for_each(is_eventfd)?;
        files.iter().try_for_each(never_waits)?;
        let mut interrupts = self.interrupts();
        let vectors = interrupts.get_mut(kind as usize).ok_or(Errno::INVAL)?;
        let end = start.checked_add(count).ok_or(Errno::INVAL)?;
        let places = vectors.get_mut(start as usize..end as usize).ok_or(Errno::INVAL)?;
        let mut files = files.into_iter();
        places.iter_mut().for_each(|place| *place = files.next());
        Ok(())
    }

    /// Raises vectors for the client, which tests its handlers by that.
    pub(crate) fn trigger(&self, kind: u32, start: u32, count: u32) -> Result<(), Errno> {
        let end = start.checked_add(count).ok_or(Errno::INVAL)?;
        if end > self.vectors(kind).ok_or(Errno::INVAL)? {
            return Err(Errno::INVAL);
        }
        (start..end).for_each(|vector| {
            self.signal(kind, vector);
        });
        Ok(())
    }

    /// Removes all eventfds of a kind of interrupts.
    pub(crate) fn disable(&self, kind: u32) -> Result<(), Errno> {
        let mut interrupts = self.interrupts();
        let vectors = interrupts.get_mut(kind as usize).ok_or(Errno::INVAL)?;
        vectors.iter_mut().for_each(|vector| *vector = None);
        Ok(())
    }

    /// Removes all maps and eventfds of a client that is gone, and switches the bus master off.
    pub(crate) fn forget_client(&self) {
        self.set_master(false);
        *self.unreachable() = Unreachable::Never;
        self.table_mut().clear();
        for vectors in self.interrupts().iter_mut() {
            vectors.iter_mut().for_each(|vector| *vector = None);
        }
    }

    fn signal(&self, kind: u32, vector: u32) -> bool {
        let interrupts = self.interrupts();
        let Some(Some(eventfd)) = interrupts.get(kind as usize).and_then(|v| v.get(vector as usize)) else {
            return false;
        };
        // The counter may be full, and the client may have taken the flag back: no write must wait,
        // so the device sets the flag again and polls first.
        if never_waits(eventfd).is_err() {
            return false;
        }
        let mut fds = [PollFd::new(eventfd, PollFlags::OUT)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut fds, Some(&now)) == Ok(1)
            && fds[0].revents().contains(PollFlags::OUT)
            && rustix::io::write(eventfd, &1_u64.to_ne_bytes()) == Ok(8)
    }
}

/// Refuses a file that is no eventfd. An interrupt writes into the file: memory of the client
/// would change outside of its maps.
fn is_eventfd(file: &OwnedFd) -> Result<(), Errno> {
    let link = readlink(format!("/proc/self/fd/{}", file.as_raw_fd()), Vec::new())?;
    if link.as_bytes() == b"anon_inode:[eventfd]" { Ok(()) } else { Err(Errno::INVAL) }
}

/// Makes a write to a file fail where it would wait.
fn never_waits(file: &OwnedFd) -> Result<(), Errno> {
    let flags = fcntl_getfl(file)?;
    if flags.contains(OFlags::NONBLOCK) { Ok(()) } else { fcntl_setfl(file, flags | OFlags::NONBLOCK) }
}
