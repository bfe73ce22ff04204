//! What changes do, inside the transaction of their group.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value};

use crate::{
    catalogue::Slot,
    compaction::Line,
    error::StoreError,
    files::Files,
    item::{Item, ModelName, TextHash, VectorOf, text_hash},
    model::{Free, Model},
};

/// Expired items that one transaction deletes at most.
const SWEPT: usize = 1000;

/// Puts vectors, then items; gives the number of vectors that are new.
pub(crate) fn put(
    database: &Connection,
    models: &mut Vec<Model>,
    folder: &Path,
    name: &ModelName,
    items: &[Item],
    vectors: &[VectorOf],
) -> Result<usize, StoreError> {
    let at = model_of(database, models, folder, name)?;
    // Rows of vectors that are new here and have no item yet.
    let mut free = Free::new();
    let mut new = Vec::new();
    for vector in vectors {
        let model = &mut models[at];
        if vector.compact.len() != name.width {
            let (digest, found) = (name.digest.clone(), vector.compact.len());
            return Err(StoreError::Width { digest, found, expected: name.width });
        }
        if vector.compact.contains(&i16::MIN) {
            return Err(StoreError::NotCompact);
        }
        let sql = "INSERT OR IGNORE INTO vectors (model, hash, row) VALUES (?1, ?2, ?3)";
        let row = model.files.rows();
        if database.prepare_cached(sql)?.execute(params![model.number, vector.text, row])? == 1 {
            model.files.append(&vector.compact);
            free.insert((model.number, vector.text), row);
            new.push(vector.text);
        }
    }
    for item in items {
        put_item(database, models, item, &mut free)?;
    }
    // Items that came before the vectors of their texts.
    for hash in &new {
        let sql = "SELECT item, expires FROM items WHERE hash = ?1
                   AND NOT EXISTS (SELECT 1 FROM places WHERE places.item = items.item AND model = ?2)";
        let model = &mut models[at];
        let waiting: Vec<(i64, Option<i64>)> = database
            .prepare_cached(sql)?
            .query_map(params![hash, model.number], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        for item in waiting {
            model.place(database, item, hash, &mut free)?;
        }
    }
    Ok(new.len())
}

/// Puts an item. Where its text stays, it keeps its rows.
fn put_item(
    database: &Connection,
    models: &mut [Model],
    item: &Item,
    free: &mut Free,
) -> Result<(), StoreError> {
    let hash = text_hash(&item.text);
    let before: Option<TextHash> = database
        .prepare_cached("SELECT hash FROM items WHERE id = ?1")?
        .query_row([&item.id], |row| row.get(0))
        .optional()?;
    let sql = "INSERT INTO items (id, text, hash, attributes, expires) VALUES (?1, ?2, ?3, ?4, ?5)
               ON CONFLICT (id) DO UPDATE SET text = ?2, hash = ?3, attributes = ?4, expires = ?5
               RETURNING item";
    let number: i64 = database
        .prepare_cached(sql)?
        .query_row(params![item.id, item.text, hash, item.attributes, item.expires], |row| row.get(0))?;
    label(database, number, &item.attributes)?;
    if before.is_some_and(|before| before != hash) {
        clear(database, models, number)?;
    }
    let places = places(database, number)?;
    for model in models {
        match places.iter().find(|(placed, _)| *placed == model.number) {
            // Its time may have changed.
            Some(&(_, row)) => model.slots.push((row, Slot::of(number, item.expires))),
            None => model.place(database, (number, item.expires), &hash, free)?,
        }
    }
    Ok(())
}

/// Deletes items; gives how many there were.
pub(crate) fn delete(
    database: &Connection,
    models: &mut [Model],
    ids: &[String],
) -> Result<usize, StoreError> {
    let mut deleted = 0;
    for id in ids {
        let item: Option<i64> = database
            .prepare_cached("SELECT item FROM items WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        if let Some(item) = item {
            remove(database, models, item)?;
            deleted += 1;
        }
    }
    Ok(deleted)
}

/// Whether items have expired.
pub(crate) fn expired(transaction: &Connection, now: i64) -> Result<bool, StoreError> {
    Ok(transaction.prepare_cached("SELECT 1 FROM items WHERE expires <= ?1")?.exists([now])?)
}

/// Deletes items that have expired, a bounded number.
pub(crate) fn sweep(transaction: &Connection, models: &mut [Model], now: i64) -> Result<(), StoreError> {
    let items: Vec<i64> = transaction
        .prepare_cached("SELECT item FROM items WHERE expires <= ?1 LIMIT ?2")?
        .query_map(params![now, SWEPT], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for item in items {
        remove(transaction, models, item)?;
    }
    Ok(())
}

fn remove(database: &Connection, models: &mut [Model], item: i64) -> Result<(), StoreError> {
    clear(database, models, item)?;
    database.prepare_cached("DELETE FROM labels WHERE item = ?1")?.execute([item])?;
    database.prepare_cached("DELETE FROM items WHERE item = ?1")?.execute([item])?;
    Ok(())
}

/// Replaces the labels of an item by those of its attributes. What is no JSON object has none.
fn label(database: &Connection, item: i64, attributes: &str) -> Result<(), StoreError> {
    database.prepare_cached("DELETE FROM labels WHERE item = ?1")?.execute([item])?;
    let attributes: Map<String, Value> = serde_json::from_str(attributes).unwrap_or_default();
    let sql = "INSERT OR IGNORE INTO labels (name, value, item) VALUES (?1, ?2, ?3)";
    let mut statement = database.prepare_cached(sql)?;
    for (name, value) in &attributes {
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for value in values {
            statement.execute(params![name, value.to_string(), item])?;
        }
    }
    Ok(())
}

/// Takes an item's rows away.
fn clear(database: &Connection, models: &mut [Model], item: i64) -> Result<(), StoreError> {
    for (model, row) in places(database, item)? {
        if let Some(model) = models.iter_mut().find(|one| one.number == model) {
            model.slots.push((row, Slot::EMPTY));
        }
    }
    database.prepare_cached("DELETE FROM places WHERE item = ?1")?.execute([item])?;
    Ok(())
}

/// The models and rows of an item.
fn places(database: &Connection, item: i64) -> Result<Vec<(i64, usize)>, StoreError> {
    let mut statement = database.prepare_cached("SELECT model, row FROM places WHERE item = ?1")?;
    let places = statement.query_map([item], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(places.collect::<Result<_, _>>()?)
}

/// The place of a model in the list; a new model is added.
fn model_of(
    database: &Connection,
    models: &mut Vec<Model>,
    folder: &Path,
    name: &ModelName,
) -> Result<usize, StoreError> {
    if let Some(at) = models.iter().position(|model| model.name.digest == name.digest) {
        let expected = models[at].name.width;
        if expected != name.width {
            return Err(StoreError::Width { digest: name.digest.clone(), found: name.width, expected });
        }
        return Ok(at);
    }
    let sql = "INSERT INTO models (digest, width, rows) VALUES (?1, ?2, 0) RETURNING model";
    let number: i64 = database.query_row(sql, params![name.digest, name.width], |row| row.get(0))?;
    let line = Line { number, digest: name.digest.clone(), width: name.width, rows: 0, generation: 0 };
    let files = Files::open(folder.join(line.folder()), name.width, 0)?;
    models.push(Model { number, name: name.clone(), files, published: 0, slots: Vec::new() });
    Ok(models.len() - 1)
}
