//! The pieces of a word: their ids, and where they are if somebody asks.

use std::ops::Range;

/// Ids of pieces, in order.
#[derive(Default)]
pub(crate) struct Pieces {
    pub(crate) ids: Vec<u32>,
    /// The bytes of the word that each piece stands for; `None` if nobody asks.
    pub(crate) places: Option<Vec<Range<usize>>>,
}

impl Pieces {
    pub(crate) fn push(&mut self, id: u32, place: Range<usize>) {
        self.ids.push(id);
        if let Some(places) = &mut self.places {
            places.push(place);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Drops all pieces but the first `length`.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.ids.truncate(length);
        if let Some(places) = &mut self.places {
            places.truncate(length);
        }
    }

    /// Turns round the order of the pieces from `start` on.
    pub(crate) fn reverse(&mut self, start: usize) {
        self.ids[start..].reverse();
        if let Some(places) = &mut self.places {
            places[start..].reverse();
        }
    }
}
