//! What an instance has of its host.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::{interfaces::store::Error, outgoing::Outgoing};

/// The data of an instance.
pub(crate) struct Host {
    pub(crate) table: ResourceTable,
    pub(crate) wasi: WasiCtx,
    pub(crate) http: WasiHttpCtx,
    pub(crate) outgoing: Outgoing,
    pub(crate) store: Store,
    pub(crate) variables: Arc<BTreeMap<String, String>>,
}

impl Host {
    pub(crate) fn new(store: Store, variables: Arc<BTreeMap<String, String>>) -> Self {
        Self {
            table: ResourceTable::new(),
            wasi: WasiCtx::builder().inherit_stderr().build(),
            http: WasiHttpCtx::new(),
            outgoing: Outgoing,
            store,
            variables,
        }
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.outgoing }
    }
}

/// An open key-value store; there is one.
#[allow(unreachable_pub, reason = "the generated interfaces name it")]
pub struct Bucket;

/// A value that is replaced only where it is still the one that was seen.
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

/// The key-value store of all instances. Clones are the same store.
#[derive(Clone, Default)]
pub struct Store {
    records: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    faults: Arc<Faults>,
}

/// What a test has the store do.
#[derive(Default)]
pub struct Faults {
    /// Every call fails.
    pub down: AtomicBool,
    /// As many of the next swaps find that another instance was faster.
    pub races: AtomicUsize,
}

impl Store {
    /// What a test may have the store do.
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
    /// Where the store is down.
    pub fn set(&self, key: String, value: Vec<u8>) -> Result<(), Error> {
        self.with(|records| drop(records.insert(key, value)))
    }

    pub(crate) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.with(|records| records.get(key).cloned())
    }

    pub(crate) fn delete(&self, key: &str) -> Result<(), Error> {
        self.with(|records| drop(records.remove(key)))
    }

    /// Whether the value was still the one that was seen, and is the new one now.
    pub(crate) fn swap(&self, swap: &Swap, value: Vec<u8>) -> Result<bool, Error> {
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

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> T) -> Result<T, Error> {
        if self.faults.down.load(Ordering::SeqCst) {
            return Err(Error::Other("the test has it fail".into()));
        }
        Ok(work(&mut self.records.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}
