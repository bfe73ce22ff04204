//! The key-value store, in memory, with the rules of Spin's own store, which is SQLite:
//!
//! - a swap by an instance that saw a value writes only if the same value is still there;
//! - a swap by an instance that saw no value always writes, also over a value of another instance;
//! - a counter is a record of 8 bytes.
//!
//! It refuses the keys that other stores behind Spin refuse (Azure Cosmos DB).

use std::{
    array::TryFromSliceError,
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use wasmtime::error::Context;

/// Bytes of the longest key of Azure Cosmos DB.
const LONGEST_KEY: usize = 1023;

/// A handle to the only key-value store.
#[allow(unreachable_pub, reason = "the generated interfaces name it")]
pub struct Bucket;

/// A key, and the value that the component saw under it.
#[allow(unreachable_pub, reason = "the generated interfaces name it")]
pub struct Swap {
    pub(crate) key: String,
    seen: Option<Vec<u8>>,
    /// The bytes that all handles hold.
    held: Arc<AtomicUsize>,
}

impl Swap {
    /// Remembers the value that the component sees now.
    pub(crate) fn see(&mut self, value: Option<Vec<u8>>) {
        let bytes = |value: &Option<Vec<u8>>| value.as_ref().map_or(0, Vec::len);
        self.held.fetch_add(bytes(&value), Ordering::SeqCst);
        self.held.fetch_sub(bytes(&self.seen), Ordering::SeqCst);
        self.seen = value;
    }
}

impl Drop for Swap {
    fn drop(&mut self) {
        self.see(None);
    }
}

/// The key-value store of all instances. All clones share the records.
#[derive(Clone, Default)]
pub struct Store {
    records: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    faults: Arc<Faults>,
    held: Arc<AtomicUsize>,
}

/// The error of a store whose test lets it fail, and of a key that not every store takes.
#[derive(Debug)]
pub struct Down;

/// The faults that a test can switch on.
#[derive(Default)]
pub struct Faults {
    /// Every call fails.
    pub down: AtomicBool,
    /// How many of the next swaps fail as if another instance had been faster.
    pub races: AtomicUsize,
    /// Microseconds that each call waits before the store does it, as another process would.
    pub delay_us: AtomicU64,
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

    /// The bytes of values that the host holds for handles of swaps. Spin holds the value of a
    /// swap until its instance ends.
    #[must_use]
    pub fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }

    /// A handle of a swap that has seen nothing yet.
    pub(crate) fn handle(&self, key: String) -> Swap {
        Swap { key, seen: None, held: Arc::clone(&self.held) }
    }

    /// Writes a record.
    ///
    /// # Errors
    ///
    /// The store is down.
    pub fn set(&self, key: String, value: Vec<u8>) -> Result<(), Down> {
        self.with(&key.clone(), |records| drop(records.insert(key, value)))
    }

    pub(crate) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Down> {
        self.with(key, |records| records.get(key).cloned())
    }

    pub(crate) fn delete(&self, key: &str) -> Result<(), Down> {
        self.with(key, |records| drop(records.remove(key)))
    }

    /// Adds `delta` to the counter under `key`, which begins at 0, and gives the sum.
    ///
    /// # Errors
    ///
    /// The record is no counter: Spin's store ends in that case.
    pub(crate) fn increment(&self, key: String, delta: i64) -> wasmtime::Result<Result<i64, Down>> {
        let sum = self.with(&key.clone(), |records| {
            let old = records.get(&key).map(|record| record.as_slice().try_into());
            let sum = old.transpose()?.map_or(0, i64::from_le_bytes) + delta;
            records.insert(key, sum.to_le_bytes().to_vec());
            Ok::<_, TryFromSliceError>(sum)
        });
        Ok(match sum {
            Ok(sum) => Ok(sum.context("the record is no counter")?),
            Err(down) => Err(down),
        })
    }

    /// Waits as a call to another process does. Without a delay, the call is done at once: Spin's
    /// own store blocks its thread.
    pub(crate) async fn pause(&self) {
        match self.faults.delay_us.load(Ordering::SeqCst) {
            0 => {}
            delay => tokio::time::sleep(Duration::from_micros(delay)).await,
        }
    }

    /// Writes `value`, unless the swap saw another value than the store has. Tells whether it
    /// wrote.
    pub(crate) fn swap(&self, swap: &Swap, value: Vec<u8>) -> Result<bool, Down> {
        let one_less = |races: usize| races.checked_sub(1);
        let raced = self.faults.races.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok();
        self.with(&swap.key, |records| {
            let writes = !raced && (swap.seen.is_none() || records.get(&swap.key) == swap.seen.as_ref());
            if writes {
                records.insert(swap.key.clone(), value);
            }
            writes
        })
    }

    fn with<T>(&self, key: &str, work: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> T) -> Result<T, Down> {
        if key.is_empty() || key.len() > LONGEST_KEY || key.contains(['/', '\\', '?', '#']) {
            return Err(Down);
        }
        if self.faults.down.load(Ordering::SeqCst) {
            return Err(Down);
        }
        // As Spin's own store does it. The thread of the instance leaves its other tasks to others.
        tokio::task::block_in_place(|| {
            Ok(work(&mut self.records.lock().unwrap_or_else(PoisonError::into_inner)))
        })
    }
}
