//! The accelerator's driver, in user space.
//!
//! | type | what it does |
//! |---|---|
//! | [`Transport`] | gives access to one PCI function: registers, DMA maps, interrupts, reset |
//! | [`Card`] | brings a card up, hands it jobs, aborts late jobs, resets a card that failed |
//! | [`CardEncoder`] | owns a card, keeps a model in its memory, turns token ids into vectors |
//!
//! `examples/encode.rs` is a complete program.
//!
//! The driver does not trust the card. It copies each record that the card wrote, checks the copy,
//! and only then uses it. It aborts a job that takes too long, and resets a card that ignores the
//! abort. Every wait has a deadline.

mod capabilities;
mod card;
mod encoder;
mod error;
mod interrupts;
mod options;
mod outcome;
mod registers;
mod resident;
mod rings;
mod transport;

pub use capabilities::Capabilities;
pub use card::Card;
pub use encoder::CardEncoder;
pub use error::Error;
pub use lockstep_arith::encoder::Sequence;
pub use options::Options;
pub use outcome::Outcome;
pub use transport::{KernelVfio, Transport, TransportError};
