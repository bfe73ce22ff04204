//! The key-value store `default`. Beside Spin's own interface, Spin offers `wasi:keyvalue`, which
//! can compare and swap a value and get many keys in one call.

use spin_sdk::experimental::wasi::keyvalue::store;

pub(crate) use spin_sdk::experimental::wasi::keyvalue::{
    atomics::{Cas, CasError, increment, swap},
    batch::{delete_many, get_many, set_many},
    store::{Bucket, Error},
};

/// The store that the component's manifest names.
pub(crate) fn default() -> Result<Bucket, Error> {
    store::open("default")
}
