//! The card's interrupt vectors as eventfds, one eventfd more by which another thread ends a wait,
//! and one by which the system recalls the card.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lockstep_accel_abi::codes::{self, InterruptBits};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use crate::Error;

/// One eventfd for each vector, one to end a wait, one for the recall.
#[derive(Debug)]
pub(crate) struct Interrupts {
    vectors: [OwnedFd; codes::VECTORS as usize],
    waker: OwnedFd,
    recall: OwnedFd,
    recalled: AtomicBool,
    /// The card raised the vector of errors, and nobody asked since.
    alarm: AtomicBool,
}

impl Interrupts {
    pub(crate) fn new() -> Result<Self, Error> {
        let one = || eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let failed = |errno: Errno| Error::System { what: "an eventfd", source: errno.into() };
        let one = || one().map_err(failed);
        let (vectors, waker, recall) = ([one()?, one()?], one()?, one()?);
        Ok(Self { vectors, waker, recall, recalled: AtomicBool::new(false), alarm: AtomicBool::new(false) })
    }

    pub(crate) fn fds(&self) -> [BorrowedFd<'_>; codes::VECTORS as usize] {
        self.vectors.each_ref().map(AsFd::as_fd)
    }

    /// The eventfd by which the system recalls the card.
    pub(crate) fn recall(&self) -> BorrowedFd<'_> {
        self.recall.as_fd()
    }

    /// Whether a wait has heard that the system recalls the card.
    pub(crate) fn recalled(&self) -> bool {
        self.recalled.load(Ordering::Relaxed)
    }

    /// Whether a wait has heard the vector of errors since the last call.
    pub(crate) fn alarmed(&self) -> bool {
        self.alarm.swap(false, Ordering::Relaxed)
    }

    /// An eventfd that ends a wait when it is written.
    #[cfg(feature = "async")]
    pub(crate) fn waker(&self) -> Result<OwnedFd, Error> {
        self.waker.try_clone().map_err(|source| Error::System { what: "an eventfd", source })
    }

    /// Waits for an interrupt of any vector, for the waker or for the recall, at most `time`.
    /// Returns whether an interrupt came.
    pub(crate) fn wait(&self, time: Duration) -> Result<bool, Error> {
        let [completion, error] = &self.vectors;
        let fds = [completion, error, &self.waker, &self.recall];
        let mut fds = fds.map(|fd| PollFd::new(fd, PollFlags::IN));
        let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() };
        match poll(&mut fds, Some(&time)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => {
                return Err(Error::System { what: "waiting for an interrupt", source: errno.into() });
            }
        }
        // Reading an eventfd sets it to 0. All of them are read, so that the next wait starts
        // empty.
        let empty = |fd: &OwnedFd| rustix::io::read(fd, &mut [0; 8]).is_ok();
        empty(&self.waker);
        if empty(&self.recall) {
            self.recalled.store(true, Ordering::Relaxed);
        }
        let came = self.take();
        if came & InterruptBits::ERROR != 0 {
            self.alarm.store(true, Ordering::Relaxed);
        }
        Ok(came != 0)
    }

    /// Takes the interrupts that have come, one bit for each vector.
    pub(crate) fn take(&self) -> u32 {
        let came = |fd: &OwnedFd| rustix::io::read(fd, &mut [0; 8]).is_ok();
        (0..).zip(&self.vectors).fold(0, |bits, (i, fd)| bits | u32::from(came(fd)) << i)
    }
}
