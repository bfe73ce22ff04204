//! Stories of the driver and a card. They are written once and told on every kind of card: the
//! fake of the driver's tests, the mock and the RTL over vfio-user, and the RTL over the kernel's
//! VFIO in a virtual machine.
//!
//! | module | stories |
//! |---|---|
//! | [`encoding`] | vectors, several models, resets, DMA outside the map, bad sequences |
//! | [`matrix`] | each fault at each moment of a job: how the job ends, what is left behind |
//!
//! `FAULTS.md` keeps the table of the matrix. All cards give this table.

mod bench;
pub mod encoding;
mod fault;
mod faulty;
pub mod matrix;
mod texts;

pub use bench::{Bench, Error, OPTIONS, Result};
pub use fault::Moment;
pub use texts::{Texts, classifier, model};
