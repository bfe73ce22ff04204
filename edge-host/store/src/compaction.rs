//! Vectors without an item are left behind when a folder is opened.
//!
//! Files only grow while a store is open, so rows of items that were deleted or have new texts
//! stay. If they are most of a model's rows, the other rows are copied to a new folder, and one
//! transaction goes over to it. A process that dies before leaves the old folder as it was.

use std::fs;
use std::path::Path;

use rusqlite::{Connection, params};

use crate::{
    error::StoreError,
    files::{Files, ROWS},
};

/// A model's line in the database.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) number: i64,
    pub(crate) digest: String,
    pub(crate) width: usize,
    pub(crate) rows: usize,
    /// Counts the folders that the model's vectors have had.
    pub(crate) generation: i64,
}

impl Line {
    /// The name of the folder with the model's vectors.
    pub(crate) fn folder(&self) -> String {
        format!("{PREFIX}{}-{}", self.number, self.generation)
    }
}

/// What the names of folders with vectors begin with.
const PREFIX: &str = "vectors-";

/// All models.
pub(crate) fn lines(database: &Connection) -> Result<Vec<Line>, StoreError> {
    let mut statement = database.prepare("SELECT model, digest, width, rows, generation FROM models")?;
    let lines = statement.query_map([], |row| {
        Ok(Line {
            number: row.get(0)?,
            digest: row.get(1)?,
            width: row.get(2)?,
            rows: row.get(3)?,
            generation: row.get(4)?,
        })
    })?;
    Ok(lines.collect::<Result<_, _>>()?)
}

/// Removes folders of vectors that no model names: a compaction was interrupted, or has just ended.
pub(crate) fn remove_unnamed(folder: &Path, lines: &[Line]) -> Result<(), StoreError> {
    let named: Vec<String> = lines.iter().map(Line::folder).collect();
    for entry in fs::read_dir(folder).map_err(StoreError::file(folder))? {
        let entry = entry.map_err(StoreError::file(folder))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(PREFIX) && !named.contains(&name) {
            fs::remove_dir_all(entry.path()).map_err(StoreError::file(entry.path()))?;
        }
    }
    Ok(())
}

/// Copies the rows that have items to a new folder, if there are at least `from` rows and most have
/// none. `line` is then that of the new folder.
pub(crate) fn compact(
    database: &mut Connection,
    folder: &Path,
    line: &mut Line,
    from: usize,
) -> Result<(), StoreError> {
    let places: Vec<(i64, usize)> = database
        .prepare("SELECT item, row FROM places WHERE model = ?1 ORDER BY row")?
        .query_map([line.number], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    if line.rows < from || 2 * places.len() >= line.rows {
        return Ok(());
    }
    let old = Files::open(folder.join(line.folder()), line.width, line.rows)?;
    let next = Line { rows: places.len(), generation: line.generation + 1, ..line.clone() };
    let mut new = Files::open(folder.join(next.folder()), line.width, 0)?;
    let mut vector = vec![0; line.width];
    let mut segment = None;
    for &(_, row) in &places {
        let number = row / ROWS;
        let mapped = match segment.take() {
            Some((mapped, of)) if of == number => mapped,
            _ => old.segment(number, None)?,
        };
        mapped.read(row % ROWS, &mut vector);
        segment = Some((mapped, number));
        if new.append(&vector) % ROWS == ROWS - 1 {
            new.sync()?;
        }
    }
    new.sync()?;

    let transaction = database.transaction()?;
    {
        let mut place = transaction.prepare("UPDATE places SET row = ?3 WHERE item = ?1 AND model = ?2")?;
        for (row, &(item, _)) in places.iter().enumerate() {
            place.execute(params![item, line.number, row])?;
        }
    }
    transaction.execute("DELETE FROM vectors WHERE model = ?1", [line.number])?;
    transaction.execute(
        "INSERT OR IGNORE INTO vectors (model, hash, row)
         SELECT model, hash, row FROM places JOIN items USING (item) WHERE model = ?1",
        [line.number],
    )?;
    transaction.execute(
        "UPDATE models SET rows = ?2, generation = ?3 WHERE model = ?1",
        params![line.number, next.rows, next.generation],
    )?;
    transaction.commit()?;
    *line = next;
    Ok(())
}
