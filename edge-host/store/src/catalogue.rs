//! The items of one model at one moment, as a search sees them.

use std::sync::Arc;

use lockstep_search::{Catalogue, Segment};

use crate::files::ROWS;

/// The item of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Its number, by which [`Store::item`](crate::Store::item) finds it; 0 if the row has no item.
    pub item: i64,
    /// The second from which on it is gone; the largest number if it stays.
    pub expires: i64,
}

impl Slot {
    /// A row without an item.
    pub(crate) const EMPTY: Self = Self { item: 0, expires: i64::MAX };

    /// The row of an item.
    pub(crate) fn of(item: i64, expires: Option<i64>) -> Self {
        Self { item, expires: expires.unwrap_or(i64::MAX) }
    }

    /// Whether there is an item in this second.
    #[must_use]
    pub fn lives(self, now: i64) -> bool {
        self.item != 0 && now < self.expires
    }
}

/// All rows of a model. A view never changes; the store makes a new one after each group of
/// changes.
#[derive(Debug, Clone, Default)]
pub struct View {
    segments: Vec<Arc<Segment>>,
    /// For each segment, the items of its rows.
    slots: Vec<Arc<Vec<Slot>>>,
    catalogue: Catalogue,
}

impl View {
    /// The vectors, for [`lockstep_search::best`].
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The item of a row.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn slot(&self, row: usize) -> Slot {
        self.slots[row / ROWS][row % ROWS]
    }

    /// The number of rows that have an item in this second.
    #[must_use]
    pub fn items(&self, now: i64) -> usize {
        let living = |slots: &Arc<Vec<Slot>>| slots.iter().filter(|slot| slot.lives(now)).count();
        self.slots.iter().map(living).sum()
    }

    /// A segment, if there is one with this number.
    pub(crate) fn segment(&self, number: usize) -> Option<&Segment> {
        self.segments.get(number).map(|segment| &**segment)
    }

    /// A view with these segments from `first` on, and with these slots changed. New rows have no
    /// item but for those in `changes`.
    pub(crate) fn next(&self, first: usize, new: Vec<Arc<Segment>>, changes: &[(usize, Slot)]) -> Self {
        let mut segments = self.segments.clone();
        segments.truncate(first);
        segments.extend(new);
        let mut slots = self.slots.clone();
        slots.resize_with(segments.len(), Arc::default);
        for (slots, segment) in slots.iter_mut().zip(&segments) {
            if slots.len() < segment.rows() {
                Arc::make_mut(slots).resize(segment.rows(), Slot::EMPTY);
            }
        }
        for &(row, slot) in changes {
            Arc::make_mut(&mut slots[row / ROWS])[row % ROWS] = slot;
        }
        Self { catalogue: Catalogue::new(segments.clone()), segments, slots }
    }
}
