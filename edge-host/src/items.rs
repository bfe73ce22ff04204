//! The items that the daemon keeps: `rank` reads the requests, `lockstep-store` has the disk.

use std::{path::Path, time::Duration};

use lockstep_rank::{Item, ItemStore, Problem, Space};
use lockstep_store::{self as store, ModelName, Settings, Store, StoreError, VectorOf, text_hash};

/// The items of a folder.
#[derive(Debug)]
pub(crate) struct Items {
    store: Store,
}

impl Items {
    /// Opens a folder, and makes it if there is none. A change that is not on the disk after
    /// `patience` is refused.
    ///
    /// # Errors
    /// A folder that another process uses, that the system refuses, or that is damaged.
    pub(crate) fn open(folder: &Path, patience: Duration) -> Result<Self, StoreError> {
        let settings = Settings { patience, ..Settings::default() };
        Ok(Self { store: Store::open(folder, settings)? })
    }
}

impl ItemStore for Items {
    fn put(&self, space: &Space, items: Vec<Item>, vectors: Vec<(String, Vec<i16>)>) -> Result<(), Problem> {
        let items = items.into_iter().map(|Item { id, text, attributes, expires }| store::Item {
            id,
            text,
            attributes,
            expires,
        });
        let vectors = vectors.into_iter().map(|(text, compact)| VectorOf { text: text_hash(&text), compact });
        self.store.put(name(space), items.collect(), vectors.collect()).map(drop).map_err(refusal)
    }

    fn knows(&self, space: &Space, text: &str) -> Result<bool, Problem> {
        self.store.knows(&space.name, &text_hash(text)).map_err(refusal)
    }

    fn get(&self, id: &str) -> Result<Option<Item>, Problem> {
        Ok(self.store.get(id).map_err(refusal)?.map(item))
    }

    fn delete(&self, id: &str) -> Result<bool, Problem> {
        Ok(self.store.delete(vec![id.to_owned()]).map_err(refusal)? > 0)
    }
}

fn name(space: &Space) -> ModelName {
    ModelName { digest: space.name.clone(), width: space.width }
}

fn item(item: store::Item) -> Item {
    let store::Item { id, text, attributes, expires } = item;
    Item { id, text, attributes, expires }
}

fn refusal(error: StoreError) -> Problem {
    match error {
        StoreError::Busy(_) => {
            Problem::Overloaded { detail: error.to_string(), retry_after: Duration::from_secs(1) }
        }
        StoreError::Closed => Problem::stopping(),
        error => Problem::Backend(format!("the items: {error}")),
    }
}
