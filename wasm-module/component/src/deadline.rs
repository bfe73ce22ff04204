//! A wait that ends.

use std::{future::Future, pin::pin, time::Duration};

use futures::future::{Either, select};

/// The future's result, unless it takes longer than `limit`; it is dropped then.
pub(crate) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    match select(pin!(future), pin!(spin_sdk::time::sleep(limit))).await {
        Either::Left((result, _)) => Some(result),
        Either::Right(_) => None,
    }
}
