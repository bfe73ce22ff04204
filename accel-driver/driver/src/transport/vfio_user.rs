//! A device process, reached through its vfio-user socket.

use std::os::fd::{AsFd, BorrowedFd};

use lockstep_accel_memory::SharedMemory;
use lockstep_vfio_user::{Client, irq, region};

use super::pci_function::{Transport, TransportError};

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
        Ok(Client::write(self, region::BAR0, register.into(), &value.to_le_bytes())?)
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
