//! The accelerator's driver, in user space.
//!
//! | type | what it does |
//! |---|---|
//! | [`Transport`] | gives access to one PCI function: registers, DMA maps, interrupts, reset |
//! | [`CardAddress`] | opens the transport of a card that an option names |
//! | [`Card`] | brings a card up, hands it jobs, aborts late jobs, resets a card that failed |
//! | [`CardEncoder`] | owns a card, keeps models in its memory, encodes token ids |
//! | `AsyncEncoder` | the same for many callers on tokio, with the feature `async` |
//! | `SteppedEncoder` | the same for a caller with a clock of its own, with the feature `stepped` |
//!
//! `examples/encode.rs` is a complete program.
//!
//! The driver does not trust the card. It copies each record that the card wrote, checks the copy,
//! and only then uses it. It compares what the card keeps with what was copied to it, and notices
//! a vector that the card did not write. It aborts a job that takes too long, resets a card that
//! ignores the abort, and fences a card that fails again and again ([`CardState`]). Every wait has
//! a deadline.

mod address;
#[cfg(feature = "async")]
mod asynchronous;
mod batch;
mod batches;
mod capabilities;
mod card;
mod card_memory;
mod counts;
mod device;
mod diagnosis;
mod encoder;
mod error;
mod host_layers;
mod host_memory;
mod interrupts;
mod job_log;
mod jobs;
mod model_id;
mod options;
mod outcome;
mod part;
mod pipeline;
mod queue;
mod recovery;
mod registers;
mod resident;
mod retries;
mod rings;
mod spans;
#[cfg(feature = "stepped")]
mod stepped;
mod supervisor;
mod transport;
mod uploads;
#[cfg(feature = "async")]
mod worker;

pub use address::{AddressError, CardAddress};
#[cfg(feature = "async")]
pub use asynchronous::AsyncEncoder;
pub use capabilities::Capabilities;
pub use card::Card;
pub use counts::JobCounts;
pub use diagnosis::RegisterView;
pub use encoder::CardEncoder;
pub use error::Error;
pub use job_log::JobReport;
pub use lockstep_arith::encoder::Sequence;
pub use model_id::ModelId;
pub use options::Options;
pub use outcome::Outcome;
pub use recovery::{CardState, Cause};
#[cfg(feature = "stepped")]
pub use stepped::SteppedEncoder;
pub use supervisor::{Observer, RecoveryPolicy, Transition, Transitions};
pub use transport::{DeviceProcess, KernelVfio, OpenError, Places, Transport, TransportError};
#[cfg(feature = "async")]
pub use worker::CardStatus;
