//! The driver's side of a connection.

use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::message::{
    Access, Command, DeviceInfo, DmaMap, DmaUnmap, Header, IrqInfo, RegionInfo, SetIrqs, device, dma, flags,
    irq_set,
};
use crate::stream::{Deadline, Message, Stream};
use crate::version::{self, Capabilities};
use crate::{DmaTable, Errno, Error, MAX_DATA, MAX_FILES};

/// The description of a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Bytes; 0 if the device lacks the region.
    pub size: u64,
}

/// The description of a kind of interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupt {
    /// Number of vectors; 0 if the device lacks the kind.
    pub count: u32,
}

/// A connection to a device. The commands of several threads are sent one after the other. If the
/// device does not answer a command within the deadline, the client gives the connection up.
#[derive(Debug)]
pub struct Client {
    connection: Mutex<Connection>,
    deadline: Duration,
    max_data: usize,
    max_files: usize,
}

#[derive(Debug)]
struct Connection {
    stream: Stream,
    next_id: u16,
    /// A command failed in the middle of a message, so the next bytes may have any meaning.
    broken: bool,
}

impl Client {
    /// Connects to a device's socket and agrees on the version. The device has `deadline` to answer
    /// this and each later command.
    ///
    /// # Errors
    /// No process listens at `path`, or it speaks another protocol or version.
    pub fn connect(path: &Path, deadline: Duration) -> Result<Self, Error> {
        let socket =
            UnixStream::connect(path).map_err(|source| Error::Socket { path: path.into(), source })?;
        Self::over(socket, deadline)
    }

    /// As [`Self::connect`], over a socket that is connected already.
    ///
    /// # Errors
    /// The other side speaks another protocol or version, or does not answer in time.
    pub fn over(socket: UnixStream, deadline: Duration) -> Result<Self, Error> {
        let connection = Connection { stream: Stream::new(socket), next_id: 0, broken: false };
        let mut client =
            Self { connection: Mutex::new(connection), deadline, max_data: MAX_DATA, max_files: MAX_FILES };
        let proposal = version::write(u16::MAX, Capabilities::ours(DmaTable::MAX_MAPS));
        let reply = client.call(Command::Version, &[&proposal], &[], || "the version".into())?;
        let (_, theirs) = version::read(&reply.payload)?;
        client.max_data = theirs.max_data_xfer_size.min(MAX_DATA);
        client.max_files = theirs.max_msg_fds.min(MAX_FILES);
        if !client.is_pci()? {
            return Err(Error::Protocol("the device is no PCI device".into()));
        }
        Ok(client)
    }

    fn is_pci(&self) -> Result<bool, Error> {
        let ask = DeviceInfo { argsz: DeviceInfo::BYTES as u32, ..DeviceInfo::default() };
        let reply =
            self.call(Command::DeviceInfo, &[&ask.to_bytes()], &[], || "the device's description".into())?;
        let (info, _) = parsed(DeviceInfo::parse(&reply.payload), "the device's description")?;
        Ok(info.flags & device::PCI != 0)
    }

    /// Asks for the description of a region; [`crate::region`] lists the indices.
    ///
    /// # Errors
    /// The connection failed, or the device does not know the index.
    pub fn region(&self, index: u32) -> Result<Region, Error> {
        let ask = RegionInfo { argsz: RegionInfo::BYTES as u32, index, ..RegionInfo::default() };
        let what = || format!("the description of region {index}");
        let reply = self.call(Command::RegionInfo, &[&ask.to_bytes()], &[], what)?;
        let (info, _) = parsed(RegionInfo::parse(&reply.payload), "the description of a region")?;
        Ok(Region { size: info.size })
    }

    /// Asks for the description of a kind of interrupts; [`crate::irq`] lists the indices.
    ///
    /// # Errors
    /// The connection failed, or the device does not know the index.
    pub fn interrupt(&self, index: u32) -> Result<Interrupt, Error> {
        let ask = IrqInfo { argsz: IrqInfo::BYTES as u32, index, ..IrqInfo::default() };
        let what = || format!("the description of interrupts {index}");
        let reply = self.call(Command::IrqInfo, &[&ask.to_bytes()], &[], what)?;
        let (info, _) = parsed(IrqInfo::parse(&reply.payload), "the description of interrupts")?;
        Ok(Interrupt { count: info.count })
    }

    /// Reads bytes of a region.
    ///
    /// # Errors
    /// The connection failed, or the device refused: the range is outside the region.
    pub fn read(&self, region: u32, offset: u64, to: &mut [u8]) -> Result<(), Error> {
        for (access, piece) in pieces(region, offset, to.len(), self.max_data) {
            let what =
                || format!("a read of {} bytes at {:#x} of region {region}", access.count, access.offset);
            let reply = self.call(Command::RegionRead, &[&access.to_bytes()], &[], what)?;
            let (answered, data) = parsed(Access::parse(&reply.payload), "a read")?;
            if answered != access || data.len() != access.count as usize {
                return Err(self.protocol(format!(
                    "{} was answered by {} bytes at {:#x} of region {}",
                    what(),
                    data.len(),
                    answered.offset,
                    answered.region
                )));
            }
            to[piece].copy_from_slice(data);
        }
        Ok(())
    }

    /// Writes bytes of a region, and waits until the device has them.
    ///
    /// # Errors
    /// The connection failed, or the device refused: the range is outside the region.
    pub fn write(&self, region: u32, offset: u64, from: &[u8]) -> Result<(), Error> {
        for (access, piece) in pieces(region, offset, from.len(), self.max_data) {
            let what =
                || format!("a write of {} bytes at {:#x} of region {region}", access.count, access.offset);
            self.call(Command::RegionWrite, &[&access.to_bytes(), &from[piece]], &[], what)?;
        }
        Ok(())
    }

    /// Writes bytes to a region without a reply, as PCIe posts writes to memory. The device takes
    /// the bytes before any later command. If the device refuses them, nobody hears of it.
    ///
    /// # Errors
    /// The connection failed.
    pub fn post(&self, region: u32, offset: u64, from: &[u8]) -> Result<(), Error> {
        for (access, piece) in pieces(region, offset, from.len(), self.max_data) {
            self.send(Command::RegionWrite, &[&access.to_bytes(), &from[piece]])?;
        }
        Ok(())
    }

    /// Maps `size` bytes of a file for DMA: byte `offset` of the file gets the bus address `iova`.
    ///
    /// # Errors
    /// The connection failed, or the device refused: an address is mapped already, or the file is
    /// shorter.
    pub fn map(&self, iova: u64, size: u64, file: BorrowedFd<'_>, offset: u64) -> Result<(), Error> {
        let argsz = DmaMap::BYTES as u32;
        let map = DmaMap { argsz, flags: dma::READ | dma::WRITE, offset, iova, size };
        let what = || format!("a map of {size} bytes at {iova:#x}");
        self.call(Command::DmaMap, &[&map.to_bytes()], &[file], what)?;
        Ok(())
    }

    /// Removes the maps of `size` bus addresses from `iova` on. The device does not access their
    /// memory after the return.
    ///
    /// # Errors
    /// The connection failed, or the device refused.
    pub fn unmap(&self, iova: u64, size: u64) -> Result<(), Error> {
        let unmap = DmaUnmap { argsz: DmaUnmap::BYTES as u32, flags: 0, iova, size };
        let what = || format!("an unmap of {size} bytes at {iova:#x}");
        self.call(Command::DmaUnmap, &[&unmap.to_bytes()], &[], what)?;
        Ok(())
    }

    /// Sets the eventfds of a kind of interrupts, from vector 0 on.
    ///
    /// # Errors
    /// The connection failed, or the device refused: it has fewer vectors.
    pub fn set_interrupts(&self, index: u32, eventfds: &[BorrowedFd<'_>]) -> Result<(), Error> {
        let mut start = 0;
        for some in eventfds.chunks(self.max_files.max(1)) {
            let flags = irq_set::DATA_EVENTFD | irq_set::TRIGGER;
            self.set_irqs(SetIrqs { argsz: 0, flags, index, start, count: some.len() as u32 }, some)?;
            start += some.len() as u32;
        }
        Ok(())
    }

    /// Switches all interrupts of a kind off.
    ///
    /// # Errors
    /// The connection failed, or the device refused.
    pub fn disable_interrupts(&self, index: u32) -> Result<(), Error> {
        let flags = irq_set::DATA_NONE | irq_set::TRIGGER;
        self.set_irqs(SetIrqs { argsz: 0, flags, index, start: 0, count: 0 }, &[])
    }

    fn set_irqs(&self, set: SetIrqs, eventfds: &[BorrowedFd<'_>]) -> Result<(), Error> {
        let set = SetIrqs { argsz: SetIrqs::BYTES as u32, ..set };
        let what = || format!("interrupts {}, vectors {} to {}", set.index, set.start, set.start + set.count);
        self.call(Command::SetIrqs, &[&set.to_bytes()], eventfds, what)?;
        Ok(())
    }

    /// Resets the device.
    ///
    /// # Errors
    /// The connection failed, or the device refused.
    pub fn reset(&self) -> Result<(), Error> {
        self.call(Command::DeviceReset, &[], &[], || "a reset".into())?;
        Ok(())
    }

    /// The error of a device that broke the protocol. The connection is not used again.
    fn protocol(&self, why: String) -> Error {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner).broken = true;
        Error::Protocol(why)
    }

    /// Sends a command that wants no reply.
    fn send(&self, command: Command, payload: &[&[u8]]) -> Result<(), Error> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if connection.broken {
            return Err(Error::Broken);
        }
        let deadline = Deadline::after(self.deadline, "room for a command");
        let result = connection.send(command, flags::NO_REPLY, payload, &[], deadline);
        connection.broken = result.is_err();
        result.map(drop)
    }

    /// Sends a command and waits for its reply.
    fn call(
        &self,
        command: Command,
        payload: &[&[u8]],
        files: &[BorrowedFd<'_>],
        what: impl Fn() -> String,
    ) -> Result<Message, Error> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if connection.broken {
            return Err(Error::Broken);
        }
        let result = connection.call(command, payload, files, self.deadline);
        connection.broken = result.is_err();
        let reply = result?;
        if reply.header.flags & flags::ERROR == 0 {
            return Ok(reply);
        }
        let number = i32::try_from(reply.header.error).ok().filter(|&e| (1..4096).contains(&e));
        let errno = number.map_or(Errno::IO, Errno::from_raw_os_error);
        Err(Error::Refused { command: what(), errno })
    }
}

impl Connection {
    /// Sends a command, and returns its number.
    fn send(
        &mut self,
        command: Command,
        flags: u32,
        payload: &[&[u8]],
        files: &[BorrowedFd<'_>],
        deadline: Deadline,
    ) -> Result<u16, Error> {
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        let header = Header { id, command: command as u16, flags, ..Header::default() };
        self.stream.send(header, payload, files, deadline)?;
        Ok(id)
    }

    /// Sends a command and waits for its reply.
    fn call(
        &mut self,
        command: Command,
        payload: &[&[u8]],
        files: &[BorrowedFd<'_>],
        limit: Duration,
    ) -> Result<Message, Error> {
        let deadline = Deadline::after(limit, "a reply");
        let id = self.send(command, 0, payload, files, deadline)?;
        loop {
            let message = self.stream.receive(deadline)?.ok_or(Error::Closed("a reply was awaited"))?;
            let header = message.header;
            if header.flags & flags::TYPE != flags::REPLY {
                self.refuse(header, deadline)?;
            } else if (header.id, header.command) == (id, command as u16) {
                return Ok(message);
            } else {
                let why = format!(
                    "command {} {id} was answered by {} {}",
                    command as u16, header.command, header.id
                );
                return Err(Error::Protocol(why));
            }
        }
    }

    /// Refuses a command of the device. A device needs none: it maps the memory by its file.
    fn refuse(&self, header: Header, deadline: Deadline) -> Result<(), Error> {
        if header.flags & flags::NO_REPLY != 0 {
            return Ok(());
        }
        let error = Errno::NOTSUP.raw_os_error().unsigned_abs();
        self.stream.send(Header { flags: flags::REPLY | flags::ERROR, error, ..header }, &[], &[], deadline)
    }
}

/// A record of a reply; an error if the reply is too short.
fn parsed<T>(record: Option<T>, what: &str) -> Result<T, Error> {
    record.ok_or_else(|| Error::Protocol(format!("{what} is cut off")))
}

/// Splits an access into parts of at most `most` bytes. Each comes with its range in the caller's
/// bytes.
fn pieces(
    region: u32,
    offset: u64,
    len: usize,
    most: usize,
) -> impl Iterator<Item = (Access, std::ops::Range<usize>)> {
    (0..len).step_by(most.max(1)).map(move |at| {
        let count = most.max(1).min(len - at);
        (Access { offset: offset.wrapping_add(at as u64), region, count: count as u32 }, at..at + count)
    })
}
