//! Sends and receives whole messages over a stream socket, with their file descriptors.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};

use crate::message::{Access, Header};
use crate::{Errno, Error, MAX_DATA, MAX_FILES, MESSAGE_TIME, version};

/// Largest size of a message: the longest write of a region. A version message is shorter.
const MAX_MESSAGE: usize = Header::BYTES + Access::BYTES + MAX_DATA;
const _: () = assert!(version::MAX_JSON < MAX_DATA);

/// A message that was received.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) header: Header,
    pub(crate) payload: Vec<u8>,
    pub(crate) files: Vec<OwnedFd>,
}

/// The time until which an operation must have ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    end: Instant,
    limit: Duration,
    what: &'static str,
}

impl Deadline {
    pub(crate) fn after(limit: Duration, what: &'static str) -> Self {
        Self { end: Instant::now() + limit, limit, what }
    }

    /// Waits until a file descriptor has one of the flags. When the time is over, it is an error
    /// although the descriptor is ready: a peer that always has something to say gains no time.
    fn wait(&self, fd: BorrowedFd<'_>, flags: PollFlags) -> Result<(), Error> {
        loop {
            let left = self.end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::Deadline { what: self.what, limit: self.limit });
            }
            let time = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
            match poll(&mut [PollFd::from_borrowed_fd(fd, flags)], Some(&time)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// The file descriptor has data, or the other side closed the connection.
    Readable,
    /// The file descriptor `stop` is readable.
    Stop,
}

/// Waits without a deadline until `fd` or `stop` is readable.
pub(crate) fn wait(fd: BorrowedFd<'_>, stop: BorrowedFd<'_>) -> Result<Woken, Error> {
    loop {
        let mut fds =
            [PollFd::from_borrowed_fd(stop, PollFlags::IN), PollFd::from_borrowed_fd(fd, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) if !fds[0].revents().is_empty() => return Ok(Woken::Stop),
            Ok(_) if !fds[1].revents().is_empty() => return Ok(Woken::Readable),
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct Stream(UnixStream);

impl Stream {
    pub(crate) fn new(socket: UnixStream) -> Self {
        Self(socket)
    }

    /// Sends a message: the header, whose size this function sets, then the parts of the payload.
    /// The files go with the first byte.
    pub(crate) fn send(
        &self,
        header: Header,
        payload: &[&[u8]],
        files: &[BorrowedFd<'_>],
        deadline: Deadline,
    ) -> Result<(), Error> {
        let size = Header::BYTES + payload.iter().map(|p| p.len()).sum::<usize>();
        let header = Header { size: size as u32, ..header }.to_bytes();
        let mut bytes = [&[&header[..]], payload].concat().concat();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FILES))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !files.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(files)) {
            return Err(Error::Protocol(format!(
                "{} files with one message, at most {MAX_FILES}",
                files.len()
            )));
        }
        while !bytes.is_empty() {
            let slices = [IoSlice::new(&bytes)];
            match rustix::net::sendmsg(
                &self.0,
                &slices,
                &mut ancillary,
                SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
            ) {
                Ok(sent) => {
                    bytes.drain(..sent);
                    ancillary.clear();
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => deadline.wait(self.0.as_fd(), PollFlags::OUT)?,
                Err(Errno::PIPE | Errno::CONNRESET) => return Err(Error::Closed("a message was sent")),
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    /// Receives the next message; `None` if the other side closed the connection before the
    /// message. The first byte must arrive before the deadline `first`, the other bytes within
    /// [`MESSAGE_TIME`].
    pub(crate) fn receive(&self, first: Deadline) -> Result<Option<Message>, Error> {
        let mut files = Vec::new();
        let mut header = [0; Header::BYTES];
        let n = self.receive_some(&mut header, &mut files, first)?;
        if n == 0 {
            return Ok(None);
        }
        let rest = Deadline::after(MESSAGE_TIME, "the rest of a message");
        self.receive_all(&mut header[n..], &mut files, rest)?;
        let (header, _) = Header::parse(&header).ok_or(Error::Broken)?;
        let size = header.size as usize;
        if !(Header::BYTES..=MAX_MESSAGE).contains(&size) {
            let why = format!("a message of {size} bytes; {} to {MAX_MESSAGE} are possible", Header::BYTES);
            return Err(Error::Protocol(why));
        }
        let mut payload = vec![0; size - Header::BYTES];
        self.receive_all(&mut payload, &mut files, rest)?;
        Ok(Some(Message { header, payload, files }))
    }

    fn receive_all(
        &self,
        mut to: &mut [u8],
        files: &mut Vec<OwnedFd>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        while !to.is_empty() {
            match self.receive_some(to, files, deadline)? {
                0 => return Err(Error::Closed("a message was under way")),
                n => to = &mut to[n..],
            }
        }
        Ok(())
    }

    /// Receives at least one byte. Returns 0 at the end of the stream.
    fn receive_some(
        &self,
        to: &mut [u8],
        files: &mut Vec<OwnedFd>,
        deadline: Deadline,
    ) -> Result<usize, Error> {
        loop {
            deadline.wait(self.0.as_fd(), PollFlags::IN)?;
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FILES))];
            let mut ancillary = RecvAncillaryBuffer::new(&mut space);
            let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
            match rustix::net::recvmsg(&self.0, &mut [IoSliceMut::new(to)], &mut ancillary, flags) {
                Ok(received) => {
                    for message in ancillary.drain() {
                        if let RecvAncillaryMessage::ScmRights(more) = message {
                            files.extend(more);
                        }
                    }
                    if received.flags.contains(ReturnFlags::CTRUNC) || files.len() > MAX_FILES {
                        return Err(Error::Protocol(format!("more than {MAX_FILES} files with one message")));
                    }
                    return Ok(received.bytes);
                }
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(Errno::CONNRESET) => return Ok(0),
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
