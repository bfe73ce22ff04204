//! A full pack, and the deltas that go on from it.

use std::sync::Arc;

use crate::{
    error::{Mismatch, PackError},
    pack::{Pack, Row},
};

/// Deltas that are kept: each makes a search a little longer.
const MOST_DELTAS: usize = 64;

/// The packs that are loaded. A copy shares them.
#[derive(Debug)]
pub struct Packs<B> {
    /// The full pack first, then its deltas in their order.
    loaded: Vec<Arc<Pack<B>>>,
}

impl<B> Default for Packs<B> {
    fn default() -> Self {
        Self { loaded: Vec::new() }
    }
}

impl<B> Clone for Packs<B> {
    fn clone(&self) -> Self {
        Self { loaded: self.loaded.clone() }
    }
}

impl<B: AsRef<[u8]>> Packs<B> {
    /// Loads a pack. A full one takes the place of all that was loaded; a delta goes on from it.
    ///
    /// # Errors
    /// A pack of another model than the one loaded, a delta of another base, or too many deltas.
    /// The packs are then as before.
    pub fn load(&mut self, pack: Pack<B>) -> Result<(), PackError> {
        if !pack.head().is_delta() {
            self.loaded = vec![Arc::new(pack)];
            return Ok(());
        }
        let (head, last) = (pack.head(), self.loaded.last().map(|last| last.head()));
        if last.is_none_or(|last| last.series != head.series || last.sequence != head.base) {
            let here = last.map_or_else(|| "no pack".to_owned(), |last| last.place(last.sequence));
            return Err(PackError::OtherBase(Mismatch { pack: head.place(head.base), here }));
        }
        if let Some(last) = last {
            head.check(&last.origin)?;
        }
        if self.loaded.len() > MOST_DELTAS {
            return Err(PackError::TooManyDeltas(MOST_DELTAS));
        }
        self.loaded.push(Arc::new(pack));
        Ok(())
    }

    /// Whether no pack is loaded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.loaded.is_empty()
    }

    /// The pack that was loaded last.
    #[must_use]
    pub fn last(&self) -> Option<&Pack<B>> {
        self.loaded.last().map(|pack| &**pack)
    }

    /// The vector of the item with an id.
    #[must_use]
    pub fn of_id(&self, id: &str) -> Option<Row<'_>> {
        for pack in self.loaded.iter().rev() {
            if let Some(item) = pack.find(id) {
                return Some(pack.vector(item));
            }
            if pack.is_removed(id) {
                return None;
            }
        }
        None
    }

    /// The vector of a text with this SHA-256.
    #[must_use]
    pub fn of_text(&self, hash: &[u8; 32]) -> Option<Row<'_>> {
        let found = |pack: &Arc<Pack<B>>| pack.find_text(hash);
        self.loaded.iter().rev().find_map(|pack| Some(pack.vector(found(pack)?)))
    }
}
