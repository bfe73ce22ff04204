//! What answers at the card's BAR 0: the simulated RTL, or the mock.

use crate::Error;

/// The card has ended or does not answer in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the card is gone")]
pub(crate) struct Gone;

/// A card behind the PCI function. It works on threads of its own, so each call returns soon.
pub(crate) trait Answers: std::fmt::Debug + Send {
    /// Reads the register at an offset that is a multiple of four.
    ///
    /// # Errors
    /// The card is gone.
    fn read(&self, register: u32) -> Result<u32, Gone>;

    /// Writes the register at an offset that is a multiple of four.
    ///
    /// # Errors
    /// The card is gone.
    fn write(&self, register: u32, value: u32) -> Result<(), Gone>;

    /// Does the work of a bridge's reset line: afterwards the card is as after power-up. Card
    /// memory is lost as well, as if its controller started again.
    ///
    /// # Errors
    /// The card is gone.
    fn reset(&self) -> Result<(), Gone>;

    /// Ends the card.
    ///
    /// # Errors
    /// The error with which the card ended earlier, or the differences that it counted.
    fn stop(self: Box<Self>) -> Result<(), Error>;
}
