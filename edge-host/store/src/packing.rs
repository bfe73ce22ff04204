//! Writes the items of a model as a vector pack.

use std::io;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use lockstep_pack::{Head, Origin, Out, Plan, Seal, Writer, hex};
use rusqlite::{Connection, params};

use crate::{
    catalogue::View,
    error::StoreError,
    item::TextHash,
    log::{Moment, moment},
    store::Store,
};

/// How often a pack looks whether the view has all rows of the database.
const LOOK: Duration = Duration::from_millis(1);

/// The items with a vector of a model that changed behind a sequence: id, text and row.
const ITEMS: &str = "
    FROM items JOIN places USING (item) JOIN models USING (model)
    WHERE digest = ?1 AND changed > ?2 AND (expires IS NULL OR expires > ?3)";

/// The ids that a delta removes: of items that went, and of those without a vector of the model.
const REMOVED: &str = "
    FROM (SELECT id FROM removed WHERE changed > ?2
          UNION ALL
          SELECT id FROM items WHERE changed > ?2 AND (expires <= ?3 OR NOT EXISTS
              (SELECT 1 FROM places JOIN models USING (model)
               WHERE places.item = items.item AND digest = ?1)))";

/// A pack that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packed {
    /// Its head.
    pub head: Head,
    /// Its digest and its length.
    pub seal: Seal,
}

impl Store {
    /// The current moment of the log of changes.
    ///
    /// # Errors
    /// The database fails.
    pub fn moment(&self) -> Result<Moment, StoreError> {
        self.ask(moment)
    }

    /// Writes a pack of the items that have a vector in the space of `origin`: all of them, or
    /// those that changed behind the sequence `since`, and the ids that went. It has the items of
    /// one moment.
    ///
    /// # Errors
    /// [`StoreError::Since`] if the log does not reach back to `since`; a database or a file that
    /// fails.
    pub fn pack<O: Out<Error = io::Error>>(
        &self,
        origin: &Origin,
        since: Option<u64>,
        out: O,
    ) -> Result<(Packed, O), StoreError> {
        self.ask(|connection| {
            // All questions see the database of one moment.
            let transaction = connection.unchecked_transaction()?;
            let Moment { series, sequence, floor } = moment(&transaction)?;
            if let Some(since) = since.filter(|since| !(floor..=sequence).contains(since)) {
                return Err(StoreError::Since { since, floor, sequence });
            }
            let space = hex(&origin.space);
            let asked = (space.as_str(), since.unwrap_or(0), self.now());
            let (items, id_bytes) = measure(&transaction, ITEMS, asked)?;
            let (removed, removed_bytes) = match since {
                Some(_) => measure(&transaction, REMOVED, asked)?,
                None => (0, 0),
            };
            let head = Head { origin: *origin, items, removed, series, sequence, base: since.unwrap_or(0) };
            let plan = Plan { head, id_bytes, removed_bytes };
            let mut writer = Writer::new(out, &plan)?;
            let view = self.view_of(&transaction, &space)?;
            let sql = format!("SELECT id, hash, row {ITEMS} ORDER BY id");
            let mut statement = transaction.prepare(&sql)?;
            let mut rows = statement.query(params![asked.0, asked.1, asked.2])?;
            let mut vector = vec![0; origin.width];
            while let Some(row) = rows.next()? {
                let (hash, at): (TextHash, usize) = (row.get(1)?, row.get(2)?);
                view.catalogue().read(at, &mut vector);
                writer.item(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?, &hash, &vector)?;
            }
            if since.is_some() {
                let mut statement = transaction.prepare(&format!("SELECT id {REMOVED} ORDER BY id"))?;
                let mut rows = statement.query(params![asked.0, asked.1, asked.2])?;
                while let Some(row) = rows.next()? {
                    writer.removed(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?;
                }
            }
            let (seal, out) = writer.finish()?;
            Ok((Packed { head, seal }, out))
        })
    }

    /// The view of a model with all rows that a transaction sees: a view is published a moment
    /// after its transaction.
    fn view_of(&self, transaction: &Connection, space: &str) -> Result<Arc<View>, StoreError> {
        let sql = "SELECT ifnull(max(rows), 0) FROM models WHERE digest = ?1";
        let rows: usize = transaction.query_row(sql, [space], |row| row.get(0))?;
        let begun = Instant::now();
        loop {
            let view = self.view(space);
            if view.catalogue().rows() >= rows {
                return Ok(view);
            }
            let patience = self.patience();
            if begun.elapsed() >= patience {
                return Err(StoreError::Unseen(format!("no view of {rows} rows within {patience:?}")));
            }
            sleep(LOOK);
        }
    }
}

/// The number of ids, and that of their bytes.
fn measure(
    transaction: &Connection,
    from: &str,
    (space, since, now): (&str, u64, i64),
) -> Result<(usize, usize), StoreError> {
    let sql = format!("SELECT count(*), ifnull(sum(octet_length(id)), 0) {from}");
    let sums = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    Ok(transaction.query_row(&sql, params![space, since, now], sums)?)
}
