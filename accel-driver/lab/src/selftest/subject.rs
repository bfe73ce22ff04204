//! The card under test.

use crate::opening::{CardArguments, LabCard};
use crate::problem::Problem;

/// The card under test. It is opened when a step needs it, and again if a step lost it.
pub(super) struct Subject<'a> {
    arguments: &'a CardArguments,
    card: Option<LabCard>,
}

impl<'a> Subject<'a> {
    pub(super) const fn new(arguments: &'a CardArguments) -> Self {
        Self { arguments, card: None }
    }

    pub(super) fn card(&mut self) -> Result<&mut LabCard, Problem> {
        let card = self.take()?;
        Ok(self.card.insert(card))
    }

    /// The card, for a step that gives it back.
    pub(super) fn take(&mut self) -> Result<LabCard, Problem> {
        match self.card.take() {
            Some(card) => Ok(card),
            None => self.arguments.open(),
        }
    }

    pub(super) fn give_back(&mut self, card: LabCard) {
        self.card = Some(card);
    }
}
