//! The ways to reach a card.

mod pci_function;
mod vfio;
mod vfio_user;

pub(crate) use pci_function::COMMAND;
pub use pci_function::{Transport, TransportError};
pub use vfio::KernelVfio;
