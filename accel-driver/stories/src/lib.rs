//! Stories of the driver and a card. They are written once and told on every kind of card: the
//! fake of the driver's tests, the mock and the RTL over vfio-user, and the RTL over the kernel's
//! VFIO in a virtual machine.
//!
//! | module | stories |
//! |---|---|
//! | [`encoding`] | vectors, several models, resets, DMA outside the map, bad sequences |
//! | [`matrix`] | each fault on the way to the card, at each moment of a job: how the job ends |
//! | [`played`] | each fault that a card plays itself, in each job of a batch: how the batch ends |
//!
//! `FAULTS.md` keeps the tables of both matrices. All cards give these tables.

mod bench;
mod cell;
pub mod encoding;
mod fault;
mod faulty;
mod kept;
pub mod matrix;
pub mod played;
mod texts;

pub use bench::{Bench, Error, OPTIONS, Result};
pub use fault::Moment;
pub use texts::{Texts, classifier, model, with_dense};
