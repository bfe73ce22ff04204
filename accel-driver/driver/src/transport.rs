//! A PCI function that a process may drive.

use std::os::fd::{AsFd, BorrowedFd};

use lockstep_accel_memory::SharedMemory;
use lockstep_vfio_user::{Client, irq, region};

/// Offset of the command register in the configuration space.
pub(crate) const COMMAND: u64 = 4;

/// Why a transport failed; each kind has errors of its own.
pub type TransportError = Box<dyn std::error::Error + Send + Sync>;

/// The way to a card. What is done is done when a call returns: writes are not posted beyond it.
pub trait Transport {
    /// Reads the PCI configuration space.
    ///
    /// # Errors
    /// Of the transport.
    fn read_config(&self, offset: u64, to: &mut [u8]) -> Result<(), TransportError>;

    /// Writes the PCI configuration space.
    ///
    /// # Errors
    /// Of the transport.
    fn write_config(&self, offset: u64, from: &[u8]) -> Result<(), TransportError>;

    /// Reads a register of BAR 0. A card that is gone reads as all ones.
    ///
    /// # Errors
    /// Of the transport.
    fn read(&self, register: u32) -> Result<u32, TransportError>;

    /// Writes a register of BAR 0.
    ///
    /// # Errors
    /// Of the transport.
    fn write(&self, register: u32, value: u32) -> Result<(), TransportError>;

    /// Lets the card reach a memory, whole, at the addresses from `iova` on.
    ///
    /// # Errors
    /// Of the transport.
    fn map(&self, iova: u64, memory: &SharedMemory) -> Result<(), TransportError>;

    /// Takes a memory away from the card, which does not touch it any more when this returns.
    ///
    /// # Errors
    /// Of the transport.
    fn unmap(&self, iova: u64, memory: &SharedMemory) -> Result<(), TransportError>;

    /// Leads the card's interrupt vectors to eventfds, from vector 0 on.
    ///
    /// # Errors
    /// Of the transport.
    fn set_interrupts(&self, eventfds: &[BorrowedFd<'_>]) -> Result<(), TransportError>;

    /// Resets the function: bus master and memory are off afterwards, nothing is under way.
    ///
    /// # Errors
    /// Of the transport.
    fn reset(&self) -> Result<(), TransportError>;
}

/// A device process, over its socket.
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
