//! The key-value store `default`, by the interfaces that Spin has beside its own: a value that is replaced only where nobody
//! replaced it meanwhile, and many keys in one call.

use spin_sdk::experimental::wasi::keyvalue::store;

pub(crate) use spin_sdk::experimental::wasi::keyvalue::{
    atomics::{Cas, CasError, swap},
    batch::{get_many, set_many},
    store::{Bucket, Error},
};

/// The store of the component's manifest.
pub(crate) fn default() -> Result<Bucket, Error> {
    store::open("default")
}
