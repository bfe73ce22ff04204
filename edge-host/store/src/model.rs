//! One model: its vectors, and which items have them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use lockstep_search::Segment;
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    catalogue::{Slot, View},
    error::StoreError,
    files::{Files, ROWS},
    item::{ModelName, TextHash},
};

/// The views of all models, by their digests.
pub(crate) type Views = RwLock<HashMap<String, Arc<View>>>;

/// Rows of vectors that are new in a change and have no item yet, by their model and text.
pub(crate) type Free = HashMap<(i64, TextHash), usize>;

/// One model: its vectors on disk, and what the current transaction changes in its view.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) number: i64,
    pub(crate) name: ModelName,
    pub(crate) files: Files,
    /// Rows that the view has.
    pub(crate) published: usize,
    pub(crate) slots: Vec<(usize, Slot)>,
}

impl Model {
    /// Makes the view that has all rows and the changed slots.
    pub(crate) fn publish(&mut self, views: &Views) -> Result<(), StoreError> {
        let (before, all) = (self.published, self.files.rows());
        let current = views.read().unwrap_or_else(PoisonError::into_inner).get(&self.name.digest).cloned();
        let is_new = current.is_none();
        let current = current.unwrap_or_default();
        if !is_new && all == before && self.slots.is_empty() {
            return Ok(());
        }
        // The last segment of the old view has grown, unless it was full.
        let first = if all == before { all.div_ceil(ROWS) } else { before / ROWS };
        let new: Vec<Arc<Segment>> = (first..all.div_ceil(ROWS))
            .map(|number| self.files.segment(number, current.segment(number)).map(Arc::new))
            .collect::<Result<_, _>>()?;
        let next = Arc::new(current.next(first, new, &self.slots));
        views.write().unwrap_or_else(PoisonError::into_inner).insert(self.name.digest.clone(), next);
        self.slots.clear();
        self.published = all;
        Ok(())
    }

    /// Gives an item a row with the vector of its text, if that is known.
    pub(crate) fn place(
        &mut self,
        database: &Connection,
        (item, expires): (i64, Option<i64>),
        hash: &TextHash,
        free: &mut Free,
    ) -> Result<(), StoreError> {
        let row = match free.remove(&(self.number, *hash)) {
            Some(row) => row,
            None => {
                let sql = "SELECT row FROM vectors WHERE model = ?1 AND hash = ?2";
                let known: Option<usize> = database
                    .prepare_cached(sql)?
                    .query_row(params![self.number, hash], |row| row.get(0))
                    .optional()?;
                let Some(known) = known else { return Ok(()) };
                let vector = self.files.read(known)?;
                self.files.append(&vector)
            }
        };
        let sql = "INSERT INTO places (item, model, row) VALUES (?1, ?2, ?3)";
        database.prepare_cached(sql)?.execute(params![item, self.number, row])?;
        self.slots.push((row, Slot::of(item, expires)));
        Ok(())
    }
}

/// For each model the number of its rows, and of the slots that its next view changes.
pub(crate) fn marks(models: &[Model]) -> Vec<(usize, usize)> {
    models.iter().map(|model| (model.files.rows(), model.slots.len())).collect()
}
