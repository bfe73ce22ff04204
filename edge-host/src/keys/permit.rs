//! Looks at the key of a request.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use hyper::{HeaderMap, header::AUTHORIZATION};
use lockstep_rank::Problem;
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{bucket::Bucket, scope::Scope};

/// The header of a key beside `Authorization: Bearer`.
const HEADER: &str = "x-api-key";

/// The keys of a daemon.
#[derive(Debug)]
pub struct Keys(pub(super) HashMap<[u8; 32], Key>);

/// One key.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: Arc<str>,
    pub(super) scopes: Vec<Scope>,
    /// The requests that the key may still make; `None` without a limit.
    pub(super) rate: Option<Mutex<Bucket>>,
    /// A permit for each request at the same time; `None` without a limit.
    pub(super) concurrent: Option<Arc<Semaphore>>,
}

/// The permission for one request, until it is dropped.
#[derive(Debug)]
pub(crate) struct Pass {
    /// The key's name.
    pub(crate) name: Arc<str>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Keys {
    /// Lets a request pass, or says why not. `now` is the time of the request.
    ///
    /// # Errors
    /// [`Problem::Unauthorized`] without a known key, [`Problem::Forbidden`] without the scope, and
    /// [`Problem::Overloaded`] beyond a limit of the key.
    pub(crate) fn permit(&self, headers: &HeaderMap, scope: Scope, now: Instant) -> Result<Pass, Problem> {
        let presented = presented(headers).ok_or_else(|| {
            Problem::Unauthorized(
                "this daemon wants a key: send Authorization: Bearer KEY, or X-API-Key".into(),
            )
        })?;
        let hash: [u8; 32] = Sha256::digest(presented).into();
        let key =
            self.0.get(&hash).ok_or_else(|| Problem::Unauthorized("the key is not known here".into()))?;
        let name = Arc::clone(&key.name);
        if !key.scopes.contains(&scope) {
            let detail = format!("the key {name} may not do this; it needs the scope `{scope}`");
            return Err(Problem::Forbidden(detail));
        }
        let overloaded = |detail: &str, retry_after| Problem::Overloaded {
            detail: format!("the key {name} {detail}"),
            retry_after,
        };
        let permit = match &key.concurrent {
            None => None,
            Some(permits) => Some(Arc::clone(permits).try_acquire_owned().map_err(|_| {
                overloaded("has its number of requests at the same time", Duration::from_secs(1))
            })?),
        };
        if let Some(rate) = &key.rate {
            rate.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(now)
                .map_err(|wait| overloaded("has made its requests for this minute", wait))?;
        }
        Ok(Pass { name, _permit: permit })
    }
}

/// The key that a request presents.
fn presented(headers: &HeaderMap) -> Option<&[u8]> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.as_bytes().split_at_checked("bearer ".len())?;
        scheme.eq_ignore_ascii_case(b"bearer ").then_some(key)
    });
    bearer.or_else(|| headers.get(HEADER).map(|value| value.as_bytes())).map(<[u8]>::trim_ascii)
}
