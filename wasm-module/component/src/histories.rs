//! Histories in the key-value store: one record for each user.

use std::time::Duration;

use lockstep_rank::{Event, History, Limits, Problem, Reply, UserRequest};
use spin_sdk::time::sleep;

use crate::{
    creation, keys,
    keyvalue::{Bucket, Cas, CasError, Error, default, swap},
};

/// The longest wait for other instances that change the same record.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest of the waits between two tries.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

fn key(id: &str) -> String {
    keys::key("user", id)
}

fn failed(error: &Error) -> Problem {
    Problem::Backend(format!("the key-value store: {error:?}"))
}

fn stored(bucket: &Bucket, id: &str) -> Result<History, Reply> {
    let record = bucket.get(&key(id)).map_err(|error| failed(&error))?;
    History::of_record(record.as_deref())
}

/// A user's events, the oldest first.
pub(crate) fn events(id: &str) -> Result<Vec<Event>, Reply> {
    let bucket = default().map_err(|error| failed(&error))?;
    stored(&bucket, id).map(|history| history.events)
}

/// Answers a request about a user.
pub(crate) async fn answer(request: &UserRequest, limits: &Limits) -> Result<Reply, Reply> {
    let bucket = default().map_err(|error| failed(&error))?;
    match request {
        UserRequest::Append { id, events } => Append::new(&bucket, id).run(events, limits).await,
        UserRequest::Read { id } => Ok(request.answer(&stored(&bucket, id)?)),
        UserRequest::Delete { id } => {
            // This also deletes a record that cannot be read.
            let history = stored(&bucket, id).unwrap_or_default();
            creation::give_back(&bucket, id).map_err(|error| failed(&error))?;
            bucket.delete(&key(id)).map_err(|error| failed(&error))?;
            Ok(request.answer(&history))
        }
    }
}

/// One append to a user's record, beside those of other instances.
struct Append<'a> {
    bucket: &'a Bucket,
    id: &'a str,
    /// Whether this append may make the record.
    makes: bool,
    tries: u32,
    waited: Duration,
}

impl<'a> Append<'a> {
    fn new(bucket: &'a Bucket, id: &'a str) -> Self {
        Self { bucket, id, makes: false, tries: 0, waited: Duration::ZERO }
    }

    async fn run(mut self, events: &[Event], limits: &Limits) -> Result<Reply, Reply> {
        let reply = self.swapped(events, limits).await;
        if reply.is_err() && self.makes {
            // If the store fails here, too, the counter decides: see `creation`.
            let _ = creation::give_back(self.bucket, self.id);
        }
        reply
    }

    /// Adds the events and swaps the record. Starts again if another instance changed the record
    /// meanwhile, or is to make it.
    async fn swapped(&mut self, events: &[Event], limits: &Limits) -> Result<Reply, Reply> {
        loop {
            let cas = Cas::new(self.bucket, &key(self.id)).map_err(|error| failed(&error))?;
            let record = cas.current().map_err(|error| failed(&error))?;
            if record.is_none() && !self.makes {
                self.makes = creation::is_mine(self.bucket, self.id).map_err(|error| failed(&error))?;
                if !self.makes {
                    self.pause().await?;
                }
                // Another instance may have made the record before this one was to make it.
                continue;
            }
            let mut history = History::of_record(record.as_deref())?;
            let reply = history.append(self.id, events, limits);
            match swap(cas, &history.record()) {
                Ok(()) => return Ok(reply),
                Err(CasError::CasFailed(_)) => self.pause().await?,
                Err(CasError::StoreError(error)) => return Err(failed(&error).into()),
            }
        }
    }

    /// Waits a little longer each time.
    async fn pause(&mut self) -> Result<(), Problem> {
        self.tries += 1;
        if self.waited >= PATIENCE {
            let detail = format!("others changed the history {} times meanwhile; try again", self.tries);
            return Err(Problem::Overloaded { detail, retry_after: Duration::from_secs(1) });
        }
        let pause = LONGEST_PAUSE.min(Duration::from_millis(self.tries.into()));
        self.waited += pause;
        sleep(pause).await;
        Ok(())
    }
}
