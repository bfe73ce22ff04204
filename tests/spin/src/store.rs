//! The key-value store, in memory.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// A handle to the only key-value store.
#[allow(unreachable_pub, reason = "the generated interfaces name it")]
pub struct Bucket;

/// A key, and the value that the component saw under it. A swap writes only if that value is still
/// there.
#[allow(unreachable_pub, reason = "the generated interfaces name it")]
pub struct Swap {
    pub(crate) key: String,
    pub(crate) seen: Option<Vec<u8>>,
}

impl Swap {
    pub(crate) fn of(key: String) -> Self {
        Self { key, seen: None }
    }
}

/// The key-value store of all instances. All clones share the records.
#[derive(Clone, Default)]
pub struct Store {
    records: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    faults: Arc<Faults>,
}

/// The error of a store whose test lets it fail.
#[derive(Debug)]
pub struct Down;

/// The faults that a test can switch on.
#[derive(Default)]
pub struct Faults {
    /// Every call fails.
    pub down: AtomicBool,
    /// How many of the next swaps fail as if another instance had been faster.
    pub races: AtomicUsize,
}

impl Store {
    /// The faults that a test can switch on.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The records, by their keys.
    #[must_use]
    pub fn records(&self) -> BTreeMap<String, Vec<u8>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes a record.
    ///
    /// # Errors
    ///
    /// The store is down.
    pub fn set(&self, key: String, value: Vec<u8>) -> Result<(), Down> {
        self.with(|records| drop(records.insert(key, value)))
    }

    pub(crate) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Down> {
        self.with(|records| records.get(key).cloned())
    }

    pub(crate) fn delete(&self, key: &str) -> Result<(), Down> {
        self.with(|records| drop(records.remove(key)))
    }

    /// Writes `value` if the store still has the value that the swap saw; tells whether it wrote.
    pub(crate) fn swap(&self, swap: &Swap, value: Vec<u8>) -> Result<bool, Down> {
        let one_less = |races: usize| races.checked_sub(1);
        let raced = self.faults.races.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok();
        self.with(|records| {
            let same = !raced && records.get(&swap.key) == swap.seen.as_ref();
            if same {
                records.insert(swap.key.clone(), value);
            }
            same
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> T) -> Result<T, Down> {
        if self.faults.down.load(Ordering::SeqCst) {
            return Err(Down);
        }
        Ok(work(&mut self.records.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}
