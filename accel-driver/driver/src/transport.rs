//! The ways to reach a card.

mod function;
mod lock_limit;
mod open_error;
mod pci_function;
mod vfio;
mod vfio_user;

pub use function::Places;
pub use open_error::OpenError;
pub(crate) use pci_function::COMMAND;
pub use pci_function::{Transport, TransportError};
pub use vfio::KernelVfio;
pub use vfio_user::DeviceProcess;
