//! Where stories are told.

use std::time::Duration;

use lockstep_accel_driver::{Card, Options, Transport};
use lockstep_arith::encoder::Encoder;

/// Why a story failed.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
/// The result of a story.
pub type Result<T> = std::result::Result<T, Error>;

/// Little memory for data, so that the driver must split copies and batches, and two jobs in
/// flight.
pub const OPTIONS: Options = Options { ring_log2: 1, memory: 6000, iova: 0x7_0000_0000, ..Options::DEFAULT };

/// A card on which stories are told. It serves one transport at a time.
pub trait Bench {
    /// The way to the card.
    type Transport: Transport;

    /// Opens the way to the card.
    ///
    /// # Errors
    /// The card cannot be reached.
    fn connect(&self) -> Result<Self::Transport>;

    /// A time that no job takes, even on a busy machine.
    fn job_time(&self) -> Duration;

    /// The card's vector of a sequence.
    ///
    /// # Errors
    /// The model does not take the sequence.
    fn vector(&self, model: &Encoder, ids: &[u32], type_ids: &[u8]) -> Result<Vec<i32>> {
        Ok(model.forward(ids, type_ids)?)
    }

    /// How the driver uses the card.
    fn options(&self) -> Options {
        Options { job_time: self.job_time(), ..OPTIONS }
    }

    /// Opens the card.
    ///
    /// # Errors
    /// The card cannot be opened.
    fn open(&self) -> Result<Card<Self::Transport>> {
        Ok(Card::open(self.connect()?, self.options())?)
    }
}
