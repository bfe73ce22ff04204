//! The store, as callers use it.

use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use crate::{
    catalogue::View,
    database,
    error::StoreError,
    item::{Item, ModelName, TextHash, VectorOf},
    model::Views,
    writer::{Change, What, Writer},
};

/// Connections for questions that are kept open.
const READERS: usize = 4;

/// How a store works.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Changes that become one transaction at most.
    pub group: NonZeroUsize,
    /// Changes that may wait; one more is refused.
    pub queue: usize,
    /// How long a caller waits for an acknowledgement.
    pub patience: Duration,
    /// Rows of vectors from which on a start looks whether most of them have no item, and leaves
    /// those behind.
    pub compact_from: usize,
    /// The current second since 1970.
    pub now: fn() -> i64,
}

impl Default for Settings {
    fn default() -> Self {
        let group = NonZeroUsize::new(256).unwrap_or(NonZeroUsize::MIN);
        Self {
            group,
            queue: 1024,
            patience: Duration::from_secs(30),
            compact_from: 1 << 14,
            now: system_seconds,
        }
    }
}

fn system_seconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

/// The items of a folder. One process at a time has it open.
#[derive(Debug)]
pub struct Store {
    settings: Settings,
    path: PathBuf,
    views: Arc<Views>,
    readers: Mutex<Vec<Connection>>,
    changes: Option<SyncSender<Change>>,
    writer: Option<JoinHandle<()>>,
    /// Locked while the folder is in use.
    _lock: File,
}

impl Store {
    /// Opens a folder, and makes it if there is none.
    ///
    /// # Errors
    /// A folder that another process uses, that the system refuses, or that is damaged.
    pub fn open(folder: &Path, settings: Settings) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(StoreError::file(folder))?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(StoreError::file(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(StoreError::InUse(folder.to_owned())),
            Err(fs::TryLockError::Error(error)) => return Err(StoreError::File { path, error }),
        }
        let path = folder.join("items.sqlite");
        let views = Arc::new(Views::default());
        let connection = database::open(&path)?;
        let writer =
            Writer::open(connection, folder, Arc::clone(&views), settings.now, settings.compact_from)?;
        let (changes, queue) = sync_channel(settings.queue);
        let thread = std::thread::Builder::new().name("items".into());
        let writer = thread
            .spawn(move || writer.run(&queue, settings.group.get()))
            .map_err(StoreError::file(folder))?;
        let readers = Mutex::new(Vec::new());
        Ok(Self { settings, path, views, readers, changes: Some(changes), writer: Some(writer), _lock: lock })
    }

    /// Puts items, and vectors of a model for texts. An item whose text has a known vector, or one
    /// of those given, is in the views of its models; another one waits for [`Self::missing`].
    /// Gives the number of vectors that were new.
    ///
    /// When this returns, the change is on the disk.
    ///
    /// # Errors A vector that does not fit the model; or a disk, a queue or a thread that fails.
    /// Nothing of the change is made then, unless it is [`StoreError::Late`] or
    /// [`StoreError::Unseen`].
    pub fn put(
        &self,
        model: ModelName,
        items: Vec<Item>,
        vectors: Vec<VectorOf>,
    ) -> Result<usize, StoreError> {
        self.change(What::Put { model, items, vectors })
    }

    /// Deletes the items with these ids, and gives how many there were. Their vectors stay known.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn delete(&self, ids: Vec<String>) -> Result<usize, StoreError> {
        self.change(What::Delete(ids))
    }

    /// The item with an id, unless it has expired.
    ///
    /// # Errors
    /// The database fails.
    pub fn get(&self, id: &str) -> Result<Option<Item>, StoreError> {
        self.ask(|connection| database::item_of_id(connection, id, (self.settings.now)()))
    }

    /// The item with the number that a [`Slot`](crate::Slot) names, unless it has gone since.
    ///
    /// # Errors
    /// The database fails.
    pub fn item(&self, number: i64) -> Result<Option<Item>, StoreError> {
        self.ask(|connection| database::item_of_number(connection, number, (self.settings.now)()))
    }

    /// The number of the item with an id, also of one that has just expired.
    ///
    /// # Errors
    /// The database fails.
    pub fn number(&self, id: &str) -> Result<Option<i64>, StoreError> {
        self.ask(|connection| database::number(connection, id))
    }

    /// The numbers of the items whose attribute `name` has one of these values, in their order. A
    /// value is JSON, as `serde_json` writes it. An attribute that is an array has each of its
    /// values.
    ///
    /// # Errors
    /// The database fails.
    pub fn labelled(&self, name: &str, values: &[String]) -> Result<Vec<i64>, StoreError> {
        self.ask(|connection| database::labelled(connection, name, values))
    }

    /// The numbers of the newest items below `before`, at most `most`, the newest first. An item
    /// that was put again keeps its number.
    ///
    /// # Errors
    /// The database fails.
    pub fn newest(&self, before: i64, most: usize) -> Result<Vec<i64>, StoreError> {
        self.ask(|connection| database::newest(connection, before, most, self.now()))
    }

    /// The current second since 1970, by the clock of the store.
    #[must_use]
    pub fn now(&self) -> i64 {
        (self.settings.now)()
    }

    /// Whether the store has the vector of a text.
    ///
    /// # Errors
    /// The database fails.
    pub fn knows(&self, digest: &str, text: &TextHash) -> Result<bool, StoreError> {
        self.ask(|connection| database::knows(connection, digest, text))
    }

    /// Items that have no vector of a model yet: their numbers and texts, at most `most`, in the
    /// order of the numbers, all larger than `after`.
    ///
    /// # Errors
    /// The database fails.
    pub fn missing(&self, digest: &str, after: i64, most: usize) -> Result<Vec<(i64, String)>, StoreError> {
        self.ask(|connection| database::missing(connection, digest, after, most))
    }

    /// The items of a model as they are now; nothing for a model that the store does not know.
    #[must_use]
    pub fn view(&self, digest: &str) -> Arc<View> {
        let views = self.views.read().unwrap_or_else(PoisonError::into_inner);
        views.get(digest).cloned().unwrap_or_default()
    }

    fn change(&self, what: What) -> Result<usize, StoreError> {
        let (done, answer) = sync_channel(1);
        let queue = self.changes.as_ref().ok_or(StoreError::Closed)?;
        match queue.try_send(Change { what, done }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(StoreError::Busy(self.settings.queue)),
            Err(TrySendError::Disconnected(_)) => return Err(StoreError::Closed),
        }
        match answer.recv_timeout(self.settings.patience) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(StoreError::Late(self.settings.patience.as_millis())),
            Err(RecvTimeoutError::Disconnected) => Err(StoreError::Closed),
        }
    }

    /// How long a caller waits for the thread that writes.
    pub(crate) fn patience(&self) -> Duration {
        self.settings.patience
    }

    /// Asks the database, on a connection of its own.
    pub(crate) fn ask<T>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => database::open(&self.path)?,
        };
        let answer = question(&connection);
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS {
            readers.push(connection);
        }
        answer
    }
}

impl Drop for Store {
    /// Waits until all changes that were sent have been made.
    fn drop(&mut self) {
        self.changes = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}
