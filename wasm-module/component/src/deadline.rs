//! Bounds the time of a wait.

use std::{future::Future, pin::pin, time::Duration};

use futures::future::{Either, select};

/// Waits for the future's result. After `limit`, drops the future and gives `None`.
pub(crate) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    match select(pin!(future), pin!(spin_sdk::time::sleep(limit))).await {
        Either::Left((result, _)) => Some(result),
        Either::Right(_) => None,
    }
}
