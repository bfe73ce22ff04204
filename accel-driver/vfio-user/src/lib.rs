//! vfio-user: the device interface of Linux' VFIO as messages over a Unix socket, so that a device can be a process.
//!
//! | | |
//! |---|---|
//! | [`Client`] | what a driver does: regions are read and written, memory is mapped for DMA, interrupts become eventfds |
//! | [`Server`] | what a device process does, for a driver in user space or for QEMU (`vfio-user-pci`) |
//! | [`Bus`] | a device's way to its client: DMA in the memory that was mapped, and interrupts |
//! | [`ConfigSpace`] | the PCI configuration space of a device of this kind |
//!
//! The protocol is version 0.1 of the specification in libvfio-user (`docs/vfio-user.rst`), with the layouts that QEMU and
//! libvfio-user send. Of it, memory without a file (DMA by messages), regions that the client maps, migration and dirty pages are left
//! out: they are refused with an error, not ignored.
//!
//! Both sides distrust each other: every size is checked before it is used, every message that has begun must be complete within
//! [`MESSAGE_TIME`], an answer must come within the client's deadline, and a connection on which that failed is not used again.

mod bus;
mod client;
mod config;
mod dma;
mod error;
mod message;
mod server;
mod stream;
mod version;

pub use bus::Bus;
pub use client::{Client, Interrupt, Region};
pub use config::{ConfigSpace, Effect, Identity};
pub use dma::{DmaFault, DmaTable};
pub use error::Error;
pub use server::{Device, Ended, Server};

/// Errors as numbers, which is what the protocol carries.
pub use rustix::io::Errno;

/// How long a message may take from its first byte to its last.
pub const MESSAGE_TIME: std::time::Duration = std::time::Duration::from_secs(5);

/// Most bytes of one read or write of a region.
pub const MAX_DATA: usize = 1 << 20;

/// Most file descriptors that come with one message.
pub const MAX_FILES: usize = 8;

/// Indices of a PCI device's regions.
pub mod region {
    /// BAR `n` has index `n`, 0 to 5.
    pub const BAR0: u32 = 0;
    /// The configuration space.
    pub const CONFIG: u32 = 7;
    /// How many there are: BARs, ROM, configuration space, VGA.
    pub const COUNT: u32 = 9;
}

/// Indices of a PCI device's kinds of interrupts.
pub mod irq {
    /// One vector a queue, by messages.
    pub const MSIX: u32 = 2;
    /// The device reports an error that it did not recover from.
    pub const ERROR: u32 = 3;
    /// The device asks to be given back.
    pub const REQUEST: u32 = 4;
    /// How many there are: INTx, MSI, MSI-X, error, request.
    pub const COUNT: u32 = 5;
}
