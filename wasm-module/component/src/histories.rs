//! Histories in the key-value store: one record for each user.

use std::time::Duration;

use lockstep_rank::{Event, History, Limits, Problem, Reply, UserRequest};

use crate::keyvalue::{Bucket, Cas, CasError, Error, default, swap};

/// How often an append starts again because another instance changed the record.
const ATTEMPTS: usize = 32;

fn key(id: &str) -> String {
    format!("user/{id}")
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
pub(crate) fn answer(request: &UserRequest, limits: &Limits) -> Result<Reply, Reply> {
    let bucket = default().map_err(|error| failed(&error))?;
    match request {
        UserRequest::Append { id, events } => append(&bucket, id, events, limits),
        UserRequest::Read { id } => Ok(request.answer(&stored(&bucket, id)?)),
        UserRequest::Delete { id } => {
            // This also deletes a record that cannot be read.
            let history = stored(&bucket, id).unwrap_or_default();
            bucket.delete(&key(id)).map_err(|error| failed(&error))?;
            Ok(request.answer(&history))
        }
    }
}

/// Adds events to the record. Starts again if another instance changed the record meanwhile.
fn append(bucket: &Bucket, id: &str, events: &[Event], limits: &Limits) -> Result<Reply, Reply> {
    let mut cas = Cas::new(bucket, &key(id)).map_err(|error| failed(&error))?;
    for _ in 0..ATTEMPTS {
        let record = cas.current().map_err(|error| failed(&error))?;
        let mut history = History::of_record(record.as_deref())?;
        let reply = history.append(id, events, limits);
        match swap(cas, &history.record()) {
            Ok(()) => return Ok(reply),
            Err(CasError::CasFailed(newer)) => cas = newer,
            Err(CasError::StoreError(error)) => return Err(failed(&error).into()),
        }
    }
    let detail = format!("others changed the history {ATTEMPTS} times meanwhile; try again");
    Err(Problem::Overloaded { detail, retry_after: Duration::from_secs(1) }.into())
}
