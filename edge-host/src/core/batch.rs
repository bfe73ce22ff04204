//! A batch: the texts that an engine encodes in one call.

use std::sync::Arc;

use lockstep_module::Sequence;

use super::ticket::Ticket;

/// Texts of one or several calls.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Never empty.
    pub(super) parts: Vec<Part>,
    pub(super) tokens: usize,
}

/// The texts of one call in a batch.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) ticket: Arc<Ticket>,
    /// Indexes of the call's texts.
    pub(super) texts: Vec<usize>,
}

impl Batch {
    /// The sequences of the batch, in order.
    pub(crate) fn sequences(&self) -> Vec<Sequence<'_>> {
        let texts = self.parts.iter().flat_map(|part| part.texts.iter().map(|&text| (&part.ticket, text)));
        texts.map(|(ticket, text)| ticket.sequence(text)).collect()
    }

    /// How many texts the batch has.
    pub(super) fn texts(&self) -> usize {
        self.parts.iter().map(|part| part.texts.len()).sum()
    }

    /// Whether somebody still waits for a vector of this batch.
    pub(crate) fn is_wanted(&self) -> bool {
        self.parts.iter().any(|part| part.ticket.is_open())
    }
}
