//! A device process, reached through its vfio-user socket.

use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use lockstep_accel_abi::{BAR_BYTES, registers};
use lockstep_accel_memory::SharedMemory;
use lockstep_vfio_user::{Client, Error, irq, region};

use super::open_error::OpenError;
use super::pci_function::{Transport, TransportError, through};

/// The client of a device process, and its address for errors.
#[derive(Debug)]
pub struct DeviceProcess {
    client: Client,
    device: String,
}

impl DeviceProcess {
    /// Connects to the socket of a device process. The process has `deadline` to answer this and
    /// each later access.
    ///
    /// # Errors
    /// No process listens, it does not answer, or its BAR 0 is too small.
    pub fn connect(path: &Path, deadline: Duration) -> Result<Self, OpenError> {
        let device = format!("vfio-user:{}", path.display());
        let refused = |source| OpenError::Refused { device: device.clone(), source };
        let client = Client::connect(path, deadline).map_err(|error| match error {
            Error::Socket { source, .. } if source.kind() == ErrorKind::PermissionDenied => {
                OpenError::NoAccess { device: device.clone(), path: path.display().to_string() }
            }
            Error::Socket { source, .. } => OpenError::NoProcess { device: device.clone(), source },
            source => refused(source),
        })?;
        let (bytes, needed) = (client.region(region::BAR0).map_err(refused)?.size, BAR_BYTES.into());
        if bytes < needed {
            return Err(OpenError::SmallBar { device, bytes, needed });
        }
        Ok(Self { client, device })
    }
}

impl Transport for DeviceProcess {
    fn device(&self) -> String {
        self.device.clone()
    }

    // The client has functions of its own with the same names.
    through!(self => (&self.client as &dyn Transport));
}

impl Transport for Client {
    fn read_config(&self, offset: u64, to: &mut [u8]) -> Result<(), TransportError> {
        Ok(Client::read(self, region::CONFIG, offset, to)?)
    }

    fn write_config(&self, offset: u64, from: &[u8]) -> Result<(), TransportError> {
        Ok(Client::write(self, region::CONFIG, offset, from)?)
    }

    fn read(&self, register: u32) -> Result<u32, TransportError> {
        let mut bytes = [0; 4];
        Client::read(self, region::BAR0, register.into(), &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn write(&self, register: u32, value: u32) -> Result<(), TransportError> {
        let (register, value) = (register.into(), value.to_le_bytes());
        // The reply to this doorbell costs little: a short job ends meanwhile, and needs no wait.
        if register == u64::from(registers::DOORBELL_SUBMIT) {
            return Ok(Client::write(self, region::BAR0, register, &value)?);
        }
        Ok(self.post(region::BAR0, register, &value)?)
    }

    fn map(&self, iova: u64, memory: &SharedMemory) -> Result<(), TransportError> {
        Ok(Client::map(self, iova, memory.size() as u64, memory.as_fd(), 0)?)
    }

    fn unmap(&self, iova: u64, memory: &SharedMemory) -> Result<(), TransportError> {
        Ok(Client::unmap(self, iova, memory.size() as u64)?)
    }

    fn set_interrupts(&self, eventfds: &[BorrowedFd<'_>]) -> Result<(), TransportError> {
        Ok(Client::set_interrupts(self, irq::MSIX, eventfds)?)
    }

    fn reset(&self) -> Result<(), TransportError> {
        Ok(Client::reset(self)?)
    }
}
