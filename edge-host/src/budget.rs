//! The memory that all bodies together may take while their requests are under way.

use std::{sync::Arc, time::Duration};

use lockstep_rank::Problem;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that one permit stands for.
const UNIT: usize = 1 << 10;
/// When a client may try again: bodies are read within seconds.
const RETRY: Duration = Duration::from_secs(1);

/// A number of bytes, of which each body takes its part.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    units: Arc<Semaphore>,
    total: usize,
}

/// The part of one body. It goes back to the budget when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Budget,
    held: Option<OwnedSemaphorePermit>,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        let units = (bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS);
        Self { units: Arc::new(Semaphore::new(units)), total: bytes }
    }

    /// A part of no bytes.
    pub(crate) fn share(&self) -> Share {
        Share { budget: self.clone(), held: None, bytes: 0 }
    }
}

impl Share {
    /// Makes room for `bytes` bytes in all.
    ///
    /// # Errors
    /// [`Problem::Overloaded`] while other bodies take the room.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        let more = bytes.div_ceil(UNIT).saturating_sub(self.bytes.div_ceil(UNIT));
        if more > 0 {
            let overloaded = || {
                let total = self.budget.total;
                let detail =
                    format!("the bodies of the requests under way fill {total} bytes; try again later");
                Problem::Overloaded { detail, retry_after: RETRY }
            };
            let more = u32::try_from(more).map_err(|_| overloaded())?;
            let units = Arc::clone(&self.budget.units);
            let permit = units.try_acquire_many_owned(more).map_err(|_| overloaded())?;
            match &mut self.held {
                Some(held) => held.merge(permit),
                None => self.held = Some(permit),
            }
        }
        self.bytes = self.bytes.max(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn shares_never_exceed_the_budget_and_come_back() {
        let budget = Budget::new(10 * UNIT);
        let (mut a, mut b) = (budget.share(), budget.share());
        a.grow(1).unwrap();
        a.grow(UNIT).unwrap();
        assert_eq!(budget.units.available_permits(), 9, "the first byte took the whole unit");
        a.grow(4 * UNIT + 1).unwrap();
        a.grow(7).unwrap();
        b.grow(5 * UNIT).unwrap();
        let problem = b.grow(5 * UNIT + 1).unwrap_err();
        assert_eq!(problem.status(), 429);
        assert!(problem.to_string().contains("fill 10240 bytes"), "{problem}");
        drop(a);
        b.grow(10 * UNIT).unwrap();
        drop(b);
        assert_eq!(budget.units.available_permits(), 10);
    }
}
