//! The log of changes: which items came, changed or went behind which change.
//!
//! Each group of changes has a number, the *sequence*. Triggers give it to an item whose vectors
//! are placed or taken away, and to the id of an item that is removed. The ids of items that went
//! long ago are forgotten, and the log then begins at its *floor*. A start of the store begins a
//! new *series*, because a folder may be a copy of an older one.

use rusqlite::{Connection, OptionalExtension};

use crate::error::StoreError;

/// Ids of removed items that are remembered, about.
const REMEMBERED: usize = 1 << 16;
/// After so many groups of changes the oldest ids are forgotten.
const OFTEN: u64 = 256;

/// The tables of the log, for a database that has items and places.
pub(crate) const TABLES: &str = "
    ALTER TABLE items ADD COLUMN changed INTEGER NOT NULL DEFAULT 1;
    CREATE INDEX items_by_change ON items (changed);
    CREATE TABLE log (series BLOB NOT NULL, sequence INTEGER NOT NULL, floor INTEGER NOT NULL) STRICT;
    INSERT INTO log VALUES (randomblob(16), 1, 1);
    CREATE TABLE removed (id TEXT PRIMARY KEY, changed INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX removed_by_change ON removed (changed);
    CREATE TRIGGER item_came AFTER INSERT ON items BEGIN
        DELETE FROM removed WHERE id = NEW.id;
    END;
    CREATE TRIGGER item_went AFTER DELETE ON items BEGIN
        INSERT OR REPLACE INTO removed SELECT OLD.id, sequence FROM log;
    END;
    CREATE TRIGGER item_placed AFTER INSERT ON places BEGIN
        UPDATE items SET changed = (SELECT sequence FROM log) WHERE item = NEW.item;
    END;
    CREATE TRIGGER item_taken AFTER DELETE ON places BEGIN
        UPDATE items SET changed = (SELECT sequence FROM log) WHERE item = OLD.item;
    END;
";

/// A moment in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The series: random bytes of this start of the store.
    pub series: [u8; 16],
    /// The number of the last group of changes.
    pub sequence: u64,
    /// Changes behind this number are in the log.
    pub floor: u64,
}

/// Begins a new series, whose log is empty.
pub(crate) fn begin(database: &Connection) -> Result<(), StoreError> {
    database.execute_batch(
        "DELETE FROM removed;
         UPDATE log SET series = randomblob(16), sequence = sequence + 1, floor = sequence + 1;",
    )?;
    Ok(())
}

/// The current moment.
pub(crate) fn moment(database: &Connection) -> Result<Moment, StoreError> {
    let mut statement = database.prepare_cached("SELECT series, sequence, floor FROM log")?;
    let moment = |row: &rusqlite::Row<'_>| {
        Ok(Moment { series: row.get(0)?, sequence: row.get(1)?, floor: row.get(2)? })
    };
    Ok(statement.query_row([], moment)?)
}

/// Gives the next group of changes its number, and sometimes forgets the oldest ids.
pub(crate) fn next(transaction: &Connection) -> Result<(), StoreError> {
    transaction.prepare_cached("UPDATE log SET sequence = sequence + 1")?.execute([])?;
    if moment(transaction)?.sequence.is_multiple_of(OFTEN) {
        forget(transaction, REMEMBERED)?;
    }
    Ok(())
}

/// Forgets ids of removed items but for the `most` newest ones.
fn forget(transaction: &Connection, most: usize) -> Result<(), StoreError> {
    let sql = "SELECT changed FROM removed ORDER BY changed DESC LIMIT 1 OFFSET ?1";
    let floor: Option<u64> =
        transaction.prepare_cached(sql)?.query_row([most], |row| row.get(0)).optional()?;
    if let Some(floor) = floor {
        transaction.execute("DELETE FROM removed WHERE changed <= ?1", [floor])?;
        transaction.execute("UPDATE log SET floor = max(floor, ?1)", [floor])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_oldest_ids_are_forgotten_and_the_floor_rises() {
        let database = Connection::open_in_memory().unwrap();
        let tables = "CREATE TABLE items (item INTEGER PRIMARY KEY, id TEXT); CREATE TABLE places (item);";
        database.execute_batch(tables).unwrap();
        database.execute_batch(TABLES).unwrap();
        for item in 0..10 {
            next(&database).unwrap();
            database.execute("INSERT INTO items (id) VALUES (?1)", [item.to_string()]).unwrap();
            next(&database).unwrap();
            database.execute("DELETE FROM items", []).unwrap();
        }
        assert_eq!((moment(&database).unwrap().sequence, moment(&database).unwrap().floor), (21, 1));
        forget(&database, 10).unwrap();
        assert_eq!(moment(&database).unwrap().floor, 1);
        forget(&database, 4).unwrap();
        let left: Vec<u64> = database
            .prepare("SELECT changed FROM removed ORDER BY changed")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(left, [15, 17, 19, 21]);
        let before = moment(&database).unwrap();
        assert_eq!(before.floor, 13);
        begin(&database).unwrap();
        let after = moment(&database).unwrap();
        assert_eq!((after.sequence, after.floor), (22, 22));
        assert_ne!(after.series, before.series);
    }
}
