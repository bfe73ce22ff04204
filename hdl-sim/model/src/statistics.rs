//! The drain's running maxima, minima and sums, by lane.

use crate::ram::Ram;

/// Greatest, least and sum of the words of an entry in one lane.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Entry {
    pub(crate) greatest: i32,
    pub(crate) least: i32,
    pub(crate) total: i32,
}

/// The entries.
#[derive(Debug)]
pub(crate) struct Statistics(Ram<Entry>);

impl Statistics {
    pub(crate) fn new(entries: usize, lanes: usize) -> Self {
        Self(Ram::new(entries, lanes))
    }

    pub(crate) fn entry(&self, entry: usize) -> &[Entry] {
        self.0.word(entry)
    }

    /// Takes in a word. Lanes from `counted` on do not count. With `clear` the entry starts anew.
    pub(crate) fn update(
        &mut self,
        entry: usize,
        word: impl Iterator<Item = i32>,
        clear: bool,
        counted: usize,
    ) {
        for (lane, (entry, x)) in self.0.word_mut(entry).iter_mut().zip(word).enumerate() {
            if lane >= counted {
                if clear {
                    *entry = Entry::default();
                }
            } else if clear {
                *entry = Entry { greatest: x, least: x, total: x };
            } else {
                entry.greatest = entry.greatest.max(x);
                entry.least = entry.least.min(x);
                entry.total = entry.total.wrapping_add(x);
            }
        }
    }
}
