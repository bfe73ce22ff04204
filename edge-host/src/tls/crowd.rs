//! A bound of handshakes under way.
//!
//! An honest client needs two round trips, so the oldest of many handshakes is most likely one that
//! somebody holds open. Therefore the oldest one ends when there are too many: clients that say
//! nothing cannot keep others out.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// The handshakes under way, the oldest first.
#[derive(Debug)]
pub(super) struct Crowd {
    most: usize,
    under_way: Mutex<VecDeque<Arc<Notify>>>,
}

/// The place of one handshake; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place<'a> {
    crowd: &'a Crowd,
    end: Arc<Notify>,
}

impl Crowd {
    /// For `most` handshakes, at least one.
    pub(super) fn new(most: usize) -> Self {
        Self { most: most.max(1), under_way: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Notify>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place, that of the oldest handshake if all are taken.
    pub(super) fn enter(&self) -> Place<'_> {
        let end = Arc::new(Notify::new());
        let mut under_way = self.lock();
        if under_way.len() >= self.most
            && let Some(oldest) = under_way.pop_front()
        {
            oldest.notify_one();
        }
        under_way.push_back(Arc::clone(&end));
        Place { crowd: self, end }
    }
}

impl Place<'_> {
    /// Waits until a newer handshake takes the place.
    pub(super) async fn lost(&self) {
        self.end.notified().await;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.crowd.lock().retain(|end| !Arc::ptr_eq(end, &self.end));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    async fn is_lost(place: &Place<'_>) -> bool {
        timeout(Duration::from_millis(1), place.lost()).await.is_ok()
    }

    #[tokio::test]
    async fn the_oldest_goes() {
        let crowd = Crowd::new(2);
        let (a, b) = (crowd.enter(), crowd.enter());
        assert!(!is_lost(&a).await);
        let c = crowd.enter();
        assert!(is_lost(&a).await && !is_lost(&b).await && !is_lost(&c).await);
        drop(b);
        let d = crowd.enter();
        assert!(!is_lost(&c).await && !is_lost(&d).await, "a place was free");
        drop((a, c, d));
        assert!(crowd.lock().is_empty());
    }
}
