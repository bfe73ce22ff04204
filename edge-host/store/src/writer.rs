//! The thread that writes: groups of changes become transactions.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use rusqlite::{Connection, params};

use crate::{
    catalogue::Slot,
    changes::{delete, expired, put, sweep},
    compaction::{Line, compact, lines, remove_unnamed},
    error::StoreError,
    files::Files,
    item::{Item, ModelName, VectorOf},
    log,
    model::{Model, Views, marks},
};

/// How often expired items are looked for.
const SWEEP: Duration = Duration::from_secs(1);

/// A change, and where its acknowledgement goes.
pub(crate) struct Change {
    pub(crate) what: What,
    /// The number of vectors that were new, or of items that were deleted.
    pub(crate) done: SyncSender<Result<usize, StoreError>>,
}

/// What a change does.
pub(crate) enum What {
    /// Puts items, and vectors of a model for their texts, as far as they are not known.
    Put { model: ModelName, items: Vec<Item>, vectors: Vec<VectorOf> },
    /// Deletes the items with these ids.
    Delete(Vec<String>),
}

/// The state of the thread.
pub(crate) struct Writer {
    connection: Connection,
    folder: PathBuf,
    models: Vec<Model>,
    views: Arc<Views>,
    now: fn() -> i64,
}

impl Writer {
    /// Opens the files of all models and makes their views. Models with at least `compact_from`
    /// rows are compacted before, if most of the rows have no item.
    pub(crate) fn open(
        connection: Connection,
        folder: &Path,
        views: Arc<Views>,
        now: fn() -> i64,
        compact_from: usize,
    ) -> Result<Self, StoreError> {
        let mut writer = Self { connection, folder: folder.to_owned(), models: Vec::new(), views, now };
        log::begin(&writer.connection)?;
        let mut lines = lines(&writer.connection)?;
        remove_unnamed(folder, &lines)?;
        for line in &mut lines {
            compact(&mut writer.connection, folder, line, compact_from)?;
        }
        remove_unnamed(folder, &lines)?;
        for line in lines {
            let path = folder.join(line.folder());
            let Line { number, digest, width, rows, .. } = line;
            let files = Files::open(path.clone(), width, rows)?;
            let sql = "SELECT row, item, expires FROM places JOIN items USING (item) WHERE model = ?1";
            let mut statement = writer.connection.prepare(sql)?;
            let slots =
                statement.query_map([number], |row| Ok((row.get(0)?, Slot::of(row.get(1)?, row.get(2)?))))?;
            let slots = slots.collect::<Result<Vec<(usize, Slot)>, _>>()?;
            if let Some((row, _)) = slots.iter().find(|(row, _)| *row >= rows) {
                let why = format!("the database places an item at row {row} of {rows}");
                return Err(StoreError::Damaged { path, why });
            }
            let name = ModelName { digest, width };
            writer.models.push(Model { number, name, files, published: 0, slots });
        }
        for model in &mut writer.models {
            model.publish(&writer.views)?;
        }
        Ok(writer)
    }

    /// Makes changes until nobody can send any.
    pub(crate) fn run(mut self, changes: &Receiver<Change>, group: usize) {
        loop {
            let mut waiting = match changes.recv_timeout(SWEEP) {
                Ok(change) => vec![change],
                Err(RecvTimeoutError::Timeout) => Vec::new(),
                Err(RecvTimeoutError::Disconnected) => return,
            };
            while waiting.len() < group
                && let Ok(change) = changes.try_recv()
            {
                waiting.push(change);
            }
            let (changes, callers): (Vec<What>, Vec<_>) =
                waiting.into_iter().map(|change| (change.what, change.done)).unzip();
            // Nobody may be waiting any more; the change is made all the same.
            match self.group(changes) {
                Ok(answers) => callers.into_iter().zip(answers).for_each(|(done, answer)| {
                    let _ = done.send(answer);
                }),
                Err(error) => callers.into_iter().for_each(|done| {
                    let _ = done.send(Err(error.again()));
                }),
            }
        }
    }

    /// Makes a group of changes one transaction, and new views.
    fn group(&mut self, changes: Vec<What>) -> Result<Vec<Result<usize, StoreError>>, StoreError> {
        let before = marks(&self.models);
        let answers = self.transaction(changes);
        if answers.is_err() {
            // A model that is new in a failed transaction is not in the database.
            self.models.truncate(before.len());
            for (model, (rows, slots)) in self.models.iter_mut().zip(before) {
                model.files.take_back(rows);
                model.slots.truncate(slots);
            }
        }
        let answers = answers?;
        for model in &mut self.models {
            // Where this fails, the next group tries it again, a second later at the latest.
            model.publish(&self.views).map_err(|error| StoreError::Unseen(error.to_string()))?;
        }
        Ok(answers)
    }

    fn transaction(&mut self, changes: Vec<What>) -> Result<Vec<Result<usize, StoreError>>, StoreError> {
        let now = (self.now)();
        let folder = self.folder.clone();
        let mut transaction = self.connection.transaction()?;
        if changes.is_empty() && !expired(&transaction, now)? {
            return Ok(Vec::new());
        }
        log::next(&transaction)?;
        sweep(&transaction, &mut self.models, now)?;
        let mut answers = Vec::with_capacity(changes.len());
        for change in changes {
            let marks = marks(&self.models);
            let savepoint = transaction.savepoint()?;
            let answer = match change {
                What::Put { model, items, vectors } => {
                    put(&savepoint, &mut self.models, &folder, &model, &items, &vectors)
                }
                What::Delete(ids) => delete(&savepoint, &mut self.models, &ids),
            };
            if answer.is_ok() {
                savepoint.commit()?;
            } else {
                // Dropped, a savepoint takes its changes back.
                drop(savepoint);
                self.models.truncate(marks.len());
                for (model, (rows, slots)) in self.models.iter_mut().zip(marks) {
                    model.files.drop_behind(rows);
                    model.slots.truncate(slots);
                }
            }
            answers.push(answer);
        }
        for model in &mut self.models {
            model.files.sync()?;
            transaction.execute(
                "UPDATE models SET rows = ?2 WHERE model = ?1 AND rows <> ?2",
                params![model.number, model.files.rows()],
            )?;
        }
        transaction.commit()?;
        Ok(answers)
    }
}
