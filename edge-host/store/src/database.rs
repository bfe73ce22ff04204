//! The database: its layout, and how it is opened.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{
    error::StoreError,
    item::{Item, TextHash},
    log,
};

/// The version of the layout, kept in `user_version`.
const LAYOUT: i64 = 3;

/// How long a connection waits for another one's lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// Numbers of items are never used again, so that an old view names no new item.
const TABLES: &str = "
    CREATE TABLE models (
        model INTEGER PRIMARY KEY,
        digest TEXT NOT NULL UNIQUE,
        width INTEGER NOT NULL,
        rows INTEGER NOT NULL,
        -- Names the folder of the vectors.
        generation INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE items (
        item INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        text TEXT NOT NULL,
        hash BLOB NOT NULL,
        attributes TEXT NOT NULL,
        expires INTEGER
    ) STRICT;
    CREATE INDEX items_of_text ON items (hash);
    CREATE INDEX items_that_expire ON items (expires) WHERE expires IS NOT NULL;
    -- The values of the attributes of items, each as JSON.
    CREATE TABLE labels (
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        item INTEGER NOT NULL,
        PRIMARY KEY (name, value, item)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX labels_of_item ON labels (item);
    -- A row that has the vector of a text.
    CREATE TABLE vectors (
        model INTEGER NOT NULL,
        hash BLOB NOT NULL,
        row INTEGER NOT NULL,
        PRIMARY KEY (model, hash)
    ) STRICT, WITHOUT ROWID;
    -- The row of an item. No two items share one.
    CREATE TABLE places (
        item INTEGER NOT NULL,
        model INTEGER NOT NULL,
        row INTEGER NOT NULL,
        PRIMARY KEY (item, model)
    ) STRICT, WITHOUT ROWID;
";

/// Opens the database, and makes its tables if it is new.
pub(crate) fn open(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A commit returns when it is on the disk.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // The bytes of a deleted text are overwritten.
    connection.pragma_update(None, "secure_delete", true)?;
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match found {
        LAYOUT => {}
        0 => {
            let transaction = connection.transaction()?;
            transaction.execute_batch(TABLES)?;
            transaction.execute_batch(log::TABLES)?;
            transaction.pragma_update(None, "user_version", LAYOUT)?;
            transaction.commit()?;
        }
        // This layout has no log yet.
        2 => {
            let transaction = connection.transaction()?;
            transaction.execute_batch(log::TABLES)?;
            transaction.pragma_update(None, "user_version", LAYOUT)?;
            transaction.commit()?;
        }
        _ => return Err(StoreError::Layout { found, expected: LAYOUT }),
    }
    Ok(connection)
}

/// The item with an id, unless it has expired.
pub(crate) fn item_of_id(connection: &Connection, id: &str, now: i64) -> Result<Option<Item>, StoreError> {
    let sql = "SELECT id, text, attributes, expires FROM items
               WHERE id = ?1 AND (expires IS NULL OR expires > ?2)";
    Ok(connection.prepare_cached(sql)?.query_row(params![id, now], read_item).optional()?)
}

/// The item with a number, unless it has expired.
pub(crate) fn item_of_number(
    connection: &Connection,
    item: i64,
    now: i64,
) -> Result<Option<Item>, StoreError> {
    let sql = "SELECT id, text, attributes, expires FROM items
               WHERE item = ?1 AND (expires IS NULL OR expires > ?2)";
    Ok(connection.prepare_cached(sql)?.query_row(params![item, now], read_item).optional()?)
}

/// The number of the item with an id.
pub(crate) fn number(connection: &Connection, id: &str) -> Result<Option<i64>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT item FROM items WHERE id = ?1")?;
    Ok(statement.query_row([id], |row| row.get(0)).optional()?)
}

/// The numbers of the items that have one of these values of an attribute, in their order.
pub(crate) fn labelled(
    connection: &Connection,
    name: &str,
    values: &[String],
) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT item FROM labels WHERE name = ?1 AND value = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut numbers = Vec::new();
    for value in values {
        for number in statement.query_map([name, value], |row| row.get(0))? {
            numbers.push(number?);
        }
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

/// The numbers of the newest items below `before`, at most `most`, the newest first.
pub(crate) fn newest(
    connection: &Connection,
    before: i64,
    most: usize,
    now: i64,
) -> Result<Vec<i64>, StoreError> {
    let sql = "SELECT item FROM items WHERE item < ?1 AND (expires IS NULL OR expires > ?2)
               ORDER BY item DESC LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let numbers = statement.query_map(params![before, now, most], |row| row.get(0))?;
    Ok(numbers.collect::<Result<_, _>>()?)
}

/// Whether the vector of a text is known.
pub(crate) fn knows(connection: &Connection, digest: &str, hash: &TextHash) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM vectors JOIN models USING (model) WHERE digest = ?1 AND hash = ?2";
    Ok(connection.prepare_cached(sql)?.exists(params![digest, hash])?)
}

/// Items behind the number `after` that have no vector of a model, at most `most`, by their
/// numbers.
pub(crate) fn missing(
    connection: &Connection,
    digest: &str,
    after: i64,
    most: usize,
) -> Result<Vec<(i64, String)>, StoreError> {
    let sql = "SELECT item, text FROM items WHERE item > ?2 AND NOT EXISTS
                   (SELECT 1 FROM places JOIN models USING (model)
                    WHERE places.item = items.item AND digest = ?1)
               ORDER BY item LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let texts = statement.query_map(params![digest, after, most], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(texts.collect::<Result<_, _>>()?)
}

fn read_item(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item { id: row.get(0)?, text: row.get(1)?, attributes: row.get(2)?, expires: row.get(3)? })
}
