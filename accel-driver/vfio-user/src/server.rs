//! The device's side of a connection.

use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::message::{
    Access, Command, DeviceInfo, DmaMap, DmaUnmap, Header, IrqInfo, RegionInfo, SetIrqs, device, dma, flags,
    irq_flags, irq_set, region_flags,
};
use crate::stream::{Deadline, Message, Stream, Woken, wait};
use crate::version::{self, Capabilities};
use crate::{Bus, DmaTable, Errno, Error, MAX_DATA, MESSAGE_TIME, irq, region};

/// A PCI device behind a [`Server`]. The server makes one call after the other. A call must return
/// within some seconds, because clients such as QEMU wait no longer; longer work belongs on another
/// thread.
pub trait Device {
    /// The size of each region in bytes; 0 if the device lacks the region.
    fn regions(&self) -> [u64; region::COUNT as usize];

    /// Reads bytes of a region. The server has checked that the range is inside the region.
    ///
    /// # Errors
    /// The server sends this error to the client.
    fn read(&mut self, region: u32, offset: u64, to: &mut [u8]) -> Result<(), Errno>;

    /// Writes bytes of a region. The server has checked that the range is inside the region.
    ///
    /// # Errors
    /// The server sends this error to the client.
    fn write(&mut self, region: u32, offset: u64, from: &[u8]) -> Result<(), Errno>;

    /// Resets the device to its first state.
    ///
    /// # Errors
    /// The server sends this error to the client.
    fn reset(&mut self) -> Result<(), Errno>;
}

/// Why [`Server::serve`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The client closed its connection. The server has removed the client's maps and eventfds.
    Disconnected,
    /// The file descriptor `stop` became readable.
    Stopped,
}

/// A socket at which a device waits for clients, one after the other.
#[derive(Debug)]
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
    bus: Arc<Bus>,
}

impl Server {
    /// Listens at a path. The server replaces the socket of a process that has ended, but no other
    /// file.
    ///
    /// # Errors
    /// The system refused; the error names the path.
    pub fn bind(path: &Path, bus: Arc<Bus>) -> Result<Self, Error> {
        let failed = |source| Error::Socket { path: path.into(), source };
        if path.symlink_metadata().is_ok_and(|m| m.file_type().is_socket())
            && UnixStream::connect(path).is_err()
        {
            std::fs::remove_file(path).map_err(failed)?;
        }
        let listener = UnixListener::bind(path).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        Ok(Self { listener, path: path.into(), bus })
    }

    /// Serves the next client until it disconnects. A device calls this once for each client.
    ///
    /// # Errors
    /// The client broke the protocol, or a message was too slow. The server has disconnected the
    /// client and removed its maps and eventfds.
    pub fn serve(&self, device: &mut impl Device, stop: BorrowedFd<'_>) -> Result<Ended, Error> {
        let socket = loop {
            if wait(self.listener.as_fd(), stop)? == Woken::Stop {
                return Ok(Ended::Stopped);
            }
            match self.listener.accept() {
                Ok((socket, _)) => break socket,
                Err(e)
                    if matches!(
                        e.kind(),
                        ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::ConnectionAborted
                    ) => {}
                Err(e) => return Err(e.into()),
            }
        };
        let ended = Session { stream: Stream::new(socket), bus: &self.bus, device }.run(stop);
        self.bus.forget_client();
        ended
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The connection with one client.
struct Session<'a, D> {
    stream: Stream,
    bus: &'a Bus,
    device: &'a mut D,
}

impl<D: Device> Session<'_, D> {
    fn run(mut self, stop: BorrowedFd<'_>) -> Result<Ended, Error> {
        let mut greeted = false;
        loop {
            if wait(self.stream.as_fd(), stop)? == Woken::Stop {
                return Ok(Ended::Stopped);
            }
            let Some(message) = self.stream.receive(Deadline::after(MESSAGE_TIME, "a message"))? else {
                return Ok(Ended::Disconnected);
            };
            let header = message.header;
            if header.flags & flags::TYPE == flags::REPLY {
                return Err(Error::Protocol(format!("a reply {} to nothing", header.id)));
            }
            let answer = match (Command::from_number(header.command), greeted) {
                (Some(Command::Version), false) => {
                    greeted = true;
                    Ok(greet(&message.payload)?)
                }
                (Some(Command::Version), true) => Err(Errno::INVAL),
                (_, false) => {
                    return Err(Error::Protocol(format!("command {} before the version", header.command)));
                }
                (Some(command), true) => self.answer(command, message),
                (None, true) => Err(Errno::NOTSUP),
            };
            if header.flags & flags::NO_REPLY == 0 {
                self.reply(header, answer)?;
            }
        }
    }

    fn reply(&self, header: Header, answer: Result<Vec<u8>, Errno>) -> Result<(), Error> {
        let deadline = Deadline::after(MESSAGE_TIME, "sending a reply");
        let reply = Header { flags: flags::REPLY, error: 0, ..header };
        match answer {
            Ok(payload) => self.stream.send(reply, &[&payload], &[], deadline),
            Err(errno) => {
                let error = errno.raw_os_error().unsigned_abs();
                let reply = Header { flags: flags::REPLY | flags::ERROR, error, ..reply };
                self.stream.send(reply, &[], &[], deadline)
            }
        }
    }

    /// Carries out a command. Returns the payload of the reply.
    fn answer(&mut self, command: Command, message: Message) -> Result<Vec<u8>, Errno> {
        let Message { payload, files, .. } = message;
        match command {
            Command::DmaMap => self.map(&payload, files),
            Command::DmaUnmap => self.unmap(&payload),
            Command::DeviceInfo => self.device_info(&payload),
            Command::RegionInfo => self.region_info(&payload),
            Command::IrqInfo => self.irq_info(&payload),
            Command::SetIrqs => self.set_irqs(&payload, files),
            Command::RegionRead => self.read(&payload),
            Command::RegionWrite => self.write(&payload),
            Command::DeviceReset => self.device.reset().map(|()| Vec::new()),
            Command::Version => Err(Errno::INVAL),
        }
    }

    fn map(&self, payload: &[u8], files: Vec<OwnedFd>) -> Result<Vec<u8>, Errno> {
        let (map, _) = DmaMap::parse(payload).ok_or(Errno::INVAL)?;
        if map.flags & !(dma::READ | dma::WRITE) != 0 || map.flags & dma::READ == 0 || files.len() > 1 {
            return Err(Errno::INVAL);
        }
        let writable = map.flags & dma::WRITE != 0;
        self.bus.table_mut().map(map.iova, map.size, files.into_iter().next(), map.offset, writable)?;
        Ok(Vec::new())
    }

    fn unmap(&self, payload: &[u8]) -> Result<Vec<u8>, Errno> {
        let (unmap, _) = DmaUnmap::parse(payload).ok_or(Errno::INVAL)?;
        match unmap.flags {
            0 => self.bus.table_mut().unmap(unmap.iova, unmap.size)?,
            dma::ALL => self.bus.table_mut().clear(),
            _ => return Err(Errno::NOTSUP),
        }
        Ok(unmap.to_bytes())
    }

    fn device_info(&self, payload: &[u8]) -> Result<Vec<u8>, Errno> {
        DeviceInfo::parse(payload).ok_or(Errno::INVAL)?;
        let flags = device::PCI | device::RESET;
        let argsz = DeviceInfo::BYTES as u32;
        Ok(DeviceInfo { argsz, flags, regions: region::COUNT, irqs: irq::COUNT }.to_bytes())
    }

    fn region_info(&self, payload: &[u8]) -> Result<Vec<u8>, Errno> {
        let (asked, _) = RegionInfo::parse(payload).ok_or(Errno::INVAL)?;
        let size = *self.device.regions().get(asked.index as usize).ok_or(Errno::INVAL)?;
        let flags = if size == 0 { 0 } else { region_flags::READ | region_flags::WRITE };
        let argsz = RegionInfo::BYTES as u32;
        Ok(RegionInfo { argsz, flags, index: asked.index, size, ..RegionInfo::default() }.to_bytes())
    }

    fn irq_info(&self, payload: &[u8]) -> Result<Vec<u8>, Errno> {
        let (asked, _) = IrqInfo::parse(payload).ok_or(Errno::INVAL)?;
        let count = self.bus.vectors(asked.index).ok_or(Errno::INVAL)?;
        let flags = if count == 0 { 0 } else { irq_flags::EVENTFD | irq_flags::NORESIZE };
        Ok(IrqInfo { argsz: IrqInfo::BYTES as u32, flags, index: asked.index, count }.to_bytes())
    }

    fn set_irqs(&self, payload: &[u8], files: Vec<OwnedFd>) -> Result<Vec<u8>, Errno> {
        let (set, _) = SetIrqs::parse(payload).ok_or(Errno::INVAL)?;
        const EVENTFDS: u32 = irq_set::DATA_EVENTFD | irq_set::TRIGGER;
        const NO_DATA: u32 = irq_set::DATA_NONE | irq_set::TRIGGER;
        match (set.flags, set.count) {
            (EVENTFDS, _) => self.bus.set_eventfds(set.index, set.start, set.count, files)?,
            (NO_DATA, 0) => self.bus.disable(set.index)?,
            (NO_DATA, count) => self.bus.trigger(set.index, set.start, count)?,
            _ => return Err(Errno::NOTSUP),
        }
        Ok(Vec::new())
    }

    /// The range of a read or write, checked against the region, and the data behind it.
    fn access<'p>(&self, payload: &'p [u8]) -> Result<(Access, &'p [u8]), Errno> {
        let (access, data) = Access::parse(payload).ok_or(Errno::INVAL)?;
        let size = *self.device.regions().get(access.region as usize).ok_or(Errno::INVAL)?;
        let inside = access.offset.checked_add(access.count.into()).is_some_and(|end| end <= size);
        if inside && access.count as usize <= MAX_DATA { Ok((access, data)) } else { Err(Errno::INVAL) }
    }

    fn read(&mut self, payload: &[u8]) -> Result<Vec<u8>, Errno> {
        let (access, _) = self.access(payload)?;
        let mut answer = access.to_bytes();
        answer.resize(Access::BYTES + access.count as usize, 0);
        self.device.read(access.region, access.offset, &mut answer[Access::BYTES..])?;
        Ok(answer)
    }

    fn write(&mut self, payload: &[u8]) -> Result<Vec<u8>, Errno> {
        let (access, data) = self.access(payload)?;
        if data.len() != access.count as usize {
            return Err(Errno::INVAL);
        }
        self.device.write(access.region, access.offset, data)?;
        Ok(access.to_bytes())
    }
}

fn greet(payload: &[u8]) -> Result<Vec<u8>, Error> {
    let (minor, _) = version::read(payload)?;
    Ok(version::write(minor, Capabilities::ours(DmaTable::MAX_MAPS)))
}
