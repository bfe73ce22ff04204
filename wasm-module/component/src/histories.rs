//! Histories in the key-value store: a record for each user, and parts, see
//! [`lockstep_rank::Stored`].
//!
//! Spin keeps the value of each swapped record until the instance ends. So the record that is
//! swapped must be small.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

use lockstep_rank::{Appended, Event, Limits, Problem, Reply, Stored, UserRequest};
use spin_sdk::time::sleep;

use crate::{
    creation, keys,
    keyvalue::{Bucket, Cas, CasError, Error, default, delete_many, get_many, set_many, swap},
};

/// The longest wait for other instances that change the same record.
const PATIENCE: Duration = Duration::from_secs(3);
/// The longest of the waits between two tries.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);
/// How often a history is read again whose parts were deleted meanwhile.
const READS: usize = 5;

fn key(id: &str) -> String {
    keys::key("user", id)
}

/// The keys of parts.
fn part_keys(id: &str, names: &[String]) -> Vec<String> {
    let id = keys::key("events", id);
    names.iter().map(|name| format!("{id}~.{name}")).collect()
}

fn failed(error: Error) -> Problem {
    Problem::Backend(format!("the key-value store: {error:?}"))
}

fn stored(bucket: &Bucket, id: &str) -> Result<Option<Stored>, Reply> {
    let record = bucket.get(&key(id)).map_err(failed)?;
    record.map(|record| Stored::of_record(&record)).transpose()
}

/// A user's events, the oldest first.
pub(crate) fn events(id: &str) -> Result<Vec<Event>, Reply> {
    let bucket = default().map_err(failed)?;
    for _ in 0..READS {
        let Some(stored) = stored(&bucket, id)? else { return Ok(Vec::new()) };
        if let Some(parts) = parts(&bucket, &part_keys(id, &stored.part_names())).map_err(failed)? {
            return stored.events(&parts);
        }
    }
    Err(Problem::Backend("the key-value store has lost a part of the history".into()).into())
}

/// The records under these keys, in their order. `None` if one is missing.
fn parts(bucket: &Bucket, keys: &[String]) -> Result<Option<Vec<Vec<u8>>>, Error> {
    if keys.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let mut records = std::collections::HashMap::new();
    records.extend(get_many(bucket, keys)?);
    Ok(keys.iter().map(|key| records.remove(key).flatten()).collect())
}

/// Answers a request about a user.
pub(crate) async fn answer(request: &UserRequest, limits: &Limits) -> Result<Reply, Reply> {
    let bucket = default().map_err(failed)?;
    match request {
        UserRequest::Append { id, events } => Append::new(&bucket, id).run(events, limits).await,
        UserRequest::Read { id } => Ok(request.read_answer(&events(id)?)),
        UserRequest::Delete { id } => {
            // This also deletes a record that cannot be read.
            let stored = stored(&bucket, id).unwrap_or_default();
            creation::give_back(&bucket, id).map_err(failed)?;
            bucket.delete(&key(id)).map_err(failed)?;
            if let Some(stored) = &stored {
                delete_many(&bucket, &part_keys(id, &stored.possible_names())).map_err(failed)?;
            }
            Ok(request.delete_answer(stored.map_or(0, |stored| stored.count())))
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
            let cas = Cas::new(self.bucket, &key(self.id)).map_err(failed)?;
            let record = cas.current().map_err(failed)?;
            if record.is_none() && !self.makes {
                self.makes = creation::is_mine(self.bucket, self.id).map_err(failed)?;
                if !self.makes {
                    self.pause().await?;
                }
                // Another instance may have made the record before this one was to make it.
                continue;
            }
            let mut stored = match record {
                Some(record) => Stored::of_record(&record)?,
                None => Stored::new(RandomState::new().hash_one(self.id)),
            };
            let Appended { reply, part, dropped } = stored.append(self.id, events, limits);
            if let Some((name, bytes)) = part {
                let key = part_keys(self.id, &[name]).remove(0);
                set_many(self.bucket, &[(key, bytes)]).map_err(failed)?;
            }
            match swap(cas, &stored.record()) {
                Ok(()) => {
                    if !dropped.is_empty() {
                        // The record does not name them any more. What is left is deleted with the
                        // user.
                        let _ = delete_many(self.bucket, &part_keys(self.id, &dropped));
                    }
                    return Ok(reply);
                }
                Err(CasError::CasFailed(_)) => self.pause().await?,
                Err(CasError::StoreError(error)) => return Err(failed(error).into()),
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
