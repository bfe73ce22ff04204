//! A PCI function that a process may drive.

use std::os::fd::BorrowedFd;

use lockstep_accel_memory::SharedMemory;

/// Offset of the command register in the PCI configuration space.
pub(crate) const COMMAND: u64 = 4;

/// Why a transport failed. Every transport has its own error types, so this is a boxed error.
pub type TransportError = Box<dyn std::error::Error + Send + Sync>;

/// Gives access to one PCI function. Accesses reach the card in the order of their calls. An access
/// has reached the card when its call returns, except a write to a register: it may be posted, and
/// has reached the card when a later call returns that is no such write.
pub trait Transport: Send {
    /// The name of the device, for errors: for example its address.
    fn device(&self) -> String {
        "the card".into()
    }

    /// Reads `to.len()` bytes of the PCI configuration space from byte `offset` on.
    ///
    /// # Errors
    /// The transport failed, or the range is outside the configuration space.
    fn read_config(&self, offset: u64, to: &mut [u8]) -> Result<(), TransportError>;

    /// Writes the PCI configuration space from byte `offset` on.
    ///
    /// # Errors
    /// The transport failed, or the range is outside the configuration space.
    fn write_config(&self, offset: u64, from: &[u8]) -> Result<(), TransportError>;

    /// Reads the 32-bit register at byte `register` of BAR 0. Reads of a card that is gone return
    /// all ones.
    ///
    /// # Errors
    /// The transport failed, or the register is outside the BAR.
    fn read(&self, register: u32) -> Result<u32, TransportError>;

    /// Writes the 32-bit register at byte `register` of BAR 0.
    ///
    /// # Errors
    /// The transport failed, or the register is outside the BAR.
    fn write(&self, register: u32, value: u32) -> Result<(), TransportError>;

    /// Maps a whole memory for DMA: byte 0 of the memory gets the bus address `iova`.
    ///
    /// # Errors
    /// The transport failed, or part of the address range is mapped already.
    fn map(&self, iova: u64, memory: &SharedMemory) -> Result<(), TransportError>;

    /// Removes the mapping of a memory. The card does not access the memory after the return.
    ///
    /// # Errors
    /// The transport failed.
    fn unmap(&self, iova: u64, memory: &SharedMemory) -> Result<(), TransportError>;

    /// Connects interrupt vector `i` to `eventfds[i]`.
    ///
    /// # Errors
    /// The transport failed, or the card has fewer vectors.
    fn set_interrupts(&self, eventfds: &[BorrowedFd<'_>]) -> Result<(), TransportError>;

    /// Connects the eventfd by which the system recalls the card: it is about to be unplugged, or
    /// bound to another driver. The system then waits until the transport is dropped. A transport
    /// whose card is never recalled ignores the eventfd.
    ///
    /// # Errors
    /// The transport failed.
    fn set_recall(&self, eventfd: BorrowedFd<'_>) -> Result<(), TransportError> {
        let _ = eventfd;
        Ok(())
    }

    /// Resets the function. Afterwards the bits MEMORY and MASTER of the command register are 0,
    /// and the card runs no job.
    ///
    /// # Errors
    /// The transport failed.
    fn reset(&self) -> Result<(), TransportError>;
}

/// The functions of a transport but for its name, handed on to the transport `$to`.
macro_rules! through {
    ($self:ident => $to:expr) => {
        fn read_config(&$self, offset: u64, to: &mut [u8]) -> Result<(), TransportError> {
            $to.read_config(offset, to)
        }

        fn write_config(&$self, offset: u64, from: &[u8]) -> Result<(), TransportError> {
            $to.write_config(offset, from)
        }

        fn read(&$self, register: u32) -> Result<u32, TransportError> {
            $to.read(register)
        }

        fn write(&$self, register: u32, value: u32) -> Result<(), TransportError> {
            $to.write(register, value)
        }

        fn map(&$self, iova: u64, memory: &SharedMemory) -> Result<(), TransportError> {
            $to.map(iova, memory)
        }

        fn unmap(&$self, iova: u64, memory: &SharedMemory) -> Result<(), TransportError> {
            $to.unmap(iova, memory)
        }

        fn set_interrupts(&$self, eventfds: &[BorrowedFd<'_>]) -> Result<(), TransportError> {
            $to.set_interrupts(eventfds)
        }

        fn set_recall(&$self, eventfd: BorrowedFd<'_>) -> Result<(), TransportError> {
            $to.set_recall(eventfd)
        }

        fn reset(&$self) -> Result<(), TransportError> {
            $to.reset()
        }
    };
}

pub(crate) use through;

/// A shared reference reaches the same card. A program can so open a card and still look at single
/// registers itself.
impl<T: Transport + Sync + ?Sized> Transport for &T {
    fn device(&self) -> String {
        (**self).device()
    }

    through!(self => (**self));
}

/// A transport whose kind is known at run time.
impl Transport for Box<dyn Transport> {
    fn device(&self) -> String {
        (**self).device()
    }

    through!(self => (**self));
}
