//! The accelerator's driver, in user space.
//!
//! | | |
//! |---|---|
//! | [`Transport`] | a PCI function that a process may drive: regions, DMA maps, interrupts, reset |
//! | [`Card`] | one card: bring-up, its rings, jobs that end within a deadline, recovery |
//! | [`CardEncoder`] | a model in the card's memory: token ids in, pooled integers out |
//!
//! The card is trusted with nothing: what it writes is copied before it is looked at and checked before it is used, a job that does not end is
//! aborted, and a card that does not obey is reset. All waits have a deadline.

mod capabilities;
mod card;
mod encoder;
mod error;
mod interrupts;
mod kernel;
mod registers;
mod rings;
mod transport;

pub use capabilities::Capabilities;
pub use card::{Card, Options};
pub use encoder::CardEncoder;
pub use error::Error;
pub use kernel::KernelVfio;
pub use lockstep_arith::encoder::Sequence;
pub use transport::{Transport, TransportError};
