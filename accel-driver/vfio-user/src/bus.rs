//! A device's way to its client.

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{DmaFault, DmaTable, Errno, irq};

/// DMA into the memory that the client mapped, and interrupts to the eventfds that it set. Threads of the device share it with its
/// [`crate::Server`]; it does nothing while the client has the device's bus master switched off.
#[derive(Debug)]
pub struct Bus {
    dma: RwLock<DmaTable>,
    /// For each kind of interrupts an eventfd for each vector.
    interrupts: Mutex<[Vec<Option<OwnedFd>>; irq::COUNT as usize]>,
    master: AtomicBool,
}

impl Bus {
    /// A bus with nothing mapped, with so many MSI-X vectors, and one vector each to report an error and to ask for a release.
    #[must_use]
    pub fn new(vectors: u16) -> Self {
        let empty = |n: usize| (0..n).map(|_| None).collect();
        let mut interrupts = [const { Vec::new() }; irq::COUNT as usize];
        interrupts[irq::MSIX as usize] = empty(vectors.into());
        interrupts[irq::ERROR as usize] = empty(1);
        interrupts[irq::REQUEST as usize] = empty(1);
        Self { dma: RwLock::default(), interrupts: Mutex::new(interrupts), master: AtomicBool::new(false) }
    }

    /// Reads the client's memory.
    ///
    /// # Errors
    /// An address is not mapped, or the bus master is off.
    pub fn read(&self, iova: u64, to: &mut [u8]) -> Result<(), DmaFault> {
        self.mastering(iova)?;
        self.table().read(iova, to)
    }

    /// Writes the client's memory.
    ///
    /// # Errors
    /// An address is not mapped for writing, or the bus master is off.
    pub fn write(&self, iova: u64, from: &[u8]) -> Result<(), DmaFault> {
        self.mastering(iova)?;
        self.table().write(iova, from)
    }

    /// Raises an MSI-X vector. Whether anybody heard it: a vector without an eventfd and a device whose bus master is off are silent.
    pub fn interrupt(&self, vector: u16) -> bool {
        self.master.load(Ordering::Acquire) && self.signal(irq::MSIX, vector.into())
    }

    /// Reports an error that the device did not recover from. Whether anybody heard it.
    pub fn report_error(&self) -> bool {
        self.signal(irq::ERROR, 0)
    }

    /// Asks the client to release the device. Whether anybody heard it.
    pub fn request_release(&self) -> bool {
        self.signal(irq::REQUEST, 0)
    }

    /// Switches the bus master: what a write to the command register of the configuration space does.
    pub fn set_master(&self, on: bool) {
        self.master.store(on, Ordering::Release);
    }

    /// What the client has mapped, to be changed. Waits for copies that are under way, so that none uses a map that is gone.
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

    /// How many vectors a kind of interrupts has; nothing where there is no such kind.
    pub(crate) fn vectors(&self, kind: u32) -> Option<u32> {
        self.interrupts().get(kind as usize).map(|vectors| vectors.len() as u32)
    }

    /// Sets the eventfds of vectors from `start` on: `count` of them, or none where no files are given.
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
        let mut interrupts = self.interrupts();
        let vectors = interrupts.get_mut(kind as usize).ok_or(Errno::INVAL)?;
        let end = start.checked_add(count).ok_or(Errno::INVAL)?;
        let places = vectors.get_mut(start as usize..end as usize).ok_or(Errno::INVAL)?;
        let mut files = files.into_iter();
        places.iter_mut().for_each(|place| *place = files.next());
        Ok(())
    }

    /// Raises vectors as the device would: a client's test of its own handlers.
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

    /// Forgets all eventfds of a kind.
    pub(crate) fn disable(&self, kind: u32) -> Result<(), Errno> {
        let mut interrupts = self.interrupts();
        let vectors = interrupts.get_mut(kind as usize).ok_or(Errno::INVAL)?;
        vectors.iter_mut().for_each(|vector| *vector = None);
        Ok(())
    }

    /// Forgets all that the client set: it is gone.
    pub(crate) fn forget_client(&self) {
        self.set_master(false);
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
        // A file that takes nothing now would hold the device: an eventfd always takes a one, and what is none may lose it.
        let mut fds = [PollFd::new(eventfd, PollFlags::OUT)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut fds, Some(&now)) == Ok(1)
            && fds[0].revents().contains(PollFlags::OUT)
            && rustix::io::write(eventfd, &1_u64.to_ne_bytes()) == Ok(8)
    }
}
