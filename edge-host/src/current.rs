//! The engines that answer at this moment. Others, with another model, can take their place.

use std::{
    ops::Deref,
    sync::{Arc, PoisonError, RwLock},
};

use crate::pool::Pool;

/// The pool that answers.
pub(crate) struct Current(RwLock<Arc<Pool>>);

/// The pool that answers one request, from its head to its answer.
pub(crate) struct Lease(Arc<Pool>);

impl Current {
    pub(crate) fn new(pool: Arc<Pool>) -> Self {
        Self(RwLock::new(pool))
    }

    /// The pool of this moment. It answers as long as the result lives, even if another one takes
    /// its place.
    pub(crate) fn now(&self) -> Lease {
        let pool = self.0.read().unwrap_or_else(PoisonError::into_inner);
        // Within the lock: after a replacement nobody new uses the old pool.
        pool.begin_use();
        Lease(Arc::clone(&pool))
    }

    /// Lets another pool answer the next requests, and gives the old one.
    pub(crate) fn replace(&self, pool: Arc<Pool>) -> Arc<Pool> {
        std::mem::replace(&mut self.0.write().unwrap_or_else(PoisonError::into_inner), pool)
    }
}

impl Deref for Lease {
    type Target = Arc<Pool>;

    fn deref(&self) -> &Arc<Pool> {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.end_use();
    }
}
