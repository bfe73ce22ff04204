//! The card's interrupt vectors as eventfds.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use lockstep_accel_abi::codes;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use crate::Error;

/// One eventfd for each vector.
#[derive(Debug)]
pub(crate) struct Interrupts([OwnedFd; codes::VECTORS as usize]);

impl Interrupts {
    pub(crate) fn new() -> Result<Self, Error> {
        let one = || eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let failed = |errno: Errno| Error::System { what: "an eventfd", source: errno.into() };
        Ok(Self([one().map_err(failed)?, one().map_err(failed)?]))
    }

    pub(crate) fn fds(&self) -> [BorrowedFd<'_>; codes::VECTORS as usize] {
        self.0.each_ref().map(AsFd::as_fd)
    }

    /// Waits for an interrupt of any vector, at most `time`. Returns whether one came.
    pub(crate) fn wait(&self, time: Duration) -> Result<bool, Error> {
        let mut fds = self.0.each_ref().map(|fd| PollFd::new(fd, PollFlags::IN));
        let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: time.subsec_nanos().into() };
        match poll(&mut fds, Some(&time)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => {
                return Err(Error::System { what: "waiting for an interrupt", source: errno.into() });
            }
        }
        // Reading an eventfd sets it to 0. All of them are read, so that the next wait starts
        // empty.
        Ok(self.0.iter().filter(|fd| rustix::io::read(fd, &mut [0; 8]).is_ok()).count() > 0)
    }
}
