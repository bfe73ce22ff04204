//! The card's interrupt vectors as eventfds, and one eventfd more by which another thread ends a
//! wait.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use lockstep_accel_abi::codes;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use crate::Error;

/// One eventfd for each vector, and one to end a wait.
#[derive(Debug)]
pub(crate) struct Interrupts {
    vectors: [OwnedFd; codes::VECTORS as usize],
    waker: OwnedFd,
}

impl Interrupts {
    pub(crate) fn new() -> Result<Self, Error> {
        let one = || eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let failed = |errno: Errno| Error::System { what: "an eventfd", source: errno.into() };
        Ok(Self { vectors: [one().map_err(failed)?, one().map_err(failed)?], waker: one().map_err(failed)? })
    }

    pub(crate) fn fds(&self) -> [BorrowedFd<'_>; codes::VECTORS as usize] {
        self.vectors.each_ref().map(AsFd::as_fd)
    }

    /// An eventfd that ends a wait when it is written.
    #[cfg(feature = "async")]
    pub(crate) fn waker(&self) -> Result<OwnedFd, Error> {
        self.waker.try_clone().map_err(|source| Error::System { what: "an eventfd", source })
    }

    /// Waits for an interrupt of any vector or for the waker, at most `time`. Returns whether an
    /// interrupt came.
    pub(crate) fn wait(&self, time: Duration) -> Result<bool, Error> {
        let [completion, error] = &self.vectors;
        let mut fds = [completion, error, &self.waker].map(|fd| PollFd::new(fd, PollFlags::IN));
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
        Ok(self.vectors.iter().filter(|fd| empty(fd)).count() > 0)
    }
}
