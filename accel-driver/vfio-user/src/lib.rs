//! vfio-user: the device interface of Linux' VFIO as messages over a Unix socket. A PCI device can
//! so be a process.
//!
//! | type | what it does |
//! |---|---|
//! | [`Client`] | the driver's side: accesses regions, maps memory for DMA, sets eventfds |
//! | [`Server`] | the device's side: serves a driver in user space or QEMU (`vfio-user-pci`) |
//! | [`Bus`] | gives a device DMA to the memory that its client mapped, and interrupts |
//! | [`ConfigSpace`] | the PCI configuration space of a device |
//!
//! The protocol is version 0.1 of the specification in libvfio-user (`docs/vfio-user.rst`), with
//! the message layouts that QEMU and libvfio-user send. Four parts are not implemented; the crate
//! answers them with an error: memory without a file (DMA by messages), regions that the client
//! maps, migration, dirty pages.
//!
//! Neither side trusts the other. Both check every size before they use it. Every message must be
//! complete within [`MESSAGE_TIME`], and every command must be answered within the client's
//! deadline. A connection that missed a deadline is not used again.

mod bus;
mod client;
mod config;
mod dma;
mod error;
mod indices;
mod limits;
mod message;
mod server;
mod stream;
mod version;

pub use bus::Bus;
pub use client::{Client, Interrupt, Region};
pub use config::{ConfigSpace, Effect, Identity};
pub use dma::{DmaFault, DmaTable};
pub use error::Error;
pub use indices::{irq, region};
pub use limits::{MAX_DATA, MAX_FILES, MESSAGE_TIME};
pub use server::{Device, Ended, Server};

/// Error numbers of the system. A reply of the protocol carries such a number.
pub use rustix::io::Errno;
