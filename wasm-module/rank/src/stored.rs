//! A stored history: one small record that changes with each append, and parts that never change.
//!
//! The record of a user holds the newest events. When they become many bytes, they move into a
//! part, which has a key of its own. So an append reads and writes a few kilobytes, however long
//! the history is.
//!
//! A host changes the record by a compare-and-swap, after it has written the part that
//! [`Stored::append`] names. If several hosts write the same part, they write the same bytes,
//! because the record that they have read decides them. A part that nobody's record names is
//! written over by the next append, or deleted with the user.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    limits::Limits,
    person::Event,
    problem::Problem,
    reply::{Reply, Usage},
};

/// Bytes of UTF-8 of the texts in a part, unless its first event alone has more, or one request
/// brought more.
const PART: usize = 4 << 10;
/// How many parts before the first one, and after the last one, may still be stored: those of a
/// host that ended in the middle of an append.
const STRAY: u64 = 8;

/// The record of one user. Stored as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// Chosen at random when the record was made, so that no two histories share parts.
    tag: String,
    /// The number of the first part.
    first: u64,
    /// The events of each part: how many bytes of UTF-8 their texts have.
    parts: Vec<Vec<usize>>,
    /// Events at the start of the first part that are dropped.
    skip: usize,
    /// The newest events, the oldest of them first.
    events: Vec<Event>,
}

/// An append to a record.
#[derive(Debug)]
pub struct Appended {
    /// The answer to the request.
    pub reply: Reply,
    /// The name and the bytes of a part to write before the record.
    pub part: Option<(String, Vec<u8>)>,
    /// The names of parts to delete after the record was written.
    pub dropped: Vec<String>,
}

fn unreadable(what: &str, error: &serde_json::Error) -> Reply {
    Reply::refusal(&Problem::Backend(format!("the stored {what} cannot be read: {error}")))
}

impl Stored {
    /// The record of a user without events. `tag` is a random number.
    #[must_use]
    pub fn new(tag: u64) -> Self {
        Self { tag: format!("{tag:016x}"), first: 0, parts: Vec::new(), skip: 0, events: Vec::new() }
    }

    /// Reads a record.
    ///
    /// # Errors
    ///
    /// The refusal of bytes that are no record.
    pub fn of_record(record: &[u8]) -> Result<Self, Reply> {
        serde_json::from_slice(record).map_err(|error| unreadable("history", &error))
    }

    /// The record to store.
    #[must_use]
    pub fn record(&self) -> Vec<u8> {
        // This cannot fail: strings and finite numbers always have a JSON form.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The number of stored events.
    #[must_use]
    pub fn count(&self) -> usize {
        self.parts.iter().map(Vec::len).sum::<usize>() - self.skip + self.events.len()
    }

    fn names(&self, parts: Range<u64>) -> Vec<String> {
        parts.map(|part| format!("{}.{part}", self.tag)).collect()
    }

    fn end(&self) -> u64 {
        self.first + self.parts.len() as u64
    }

    /// The names of the parts, the oldest first.
    #[must_use]
    pub fn part_names(&self) -> Vec<String> {
        self.names(self.first..self.end())
    }

    /// The names of all parts that the store may have for this user.
    #[must_use]
    pub fn possible_names(&self) -> Vec<String> {
        self.names(self.first.saturating_sub(STRAY)..self.end() + STRAY)
    }

    /// All events, the oldest first. `parts` are the bytes of [`Self::part_names`].
    ///
    /// # Errors
    ///
    /// The refusal of bytes that are no part.
    pub fn events(&self, parts: &[Vec<u8>]) -> Result<Vec<Event>, Reply> {
        let mut events = Vec::new();
        for part in parts {
            let part: Vec<Event> =
                serde_json::from_slice(part).map_err(|error| unreadable("part of a history", &error))?;
            events.extend(part);
        }
        events.drain(..self.skip.min(events.len()));
        events.extend_from_slice(&self.events);
        Ok(events)
    }

    /// Adds the newest events, drops the oldest ones beyond [`Limits::max_history`] and
    /// [`Limits::max_history_bytes`]. The newest event always stays.
    pub fn append(&mut self, id: &str, events: &[Event], limits: &Limits) -> Appended {
        let part = self.part_of_events(bytes_of(events));
        self.events.extend_from_slice(events);
        let before = self.count();
        let dropped = self.drop_oldest(limits);
        let body = json!({ "user": id, "events": self.count(), "dropped": before - self.count() });
        Appended { reply: Reply::ok(body.to_string(), Usage::default()), part, dropped }
    }

    /// Moves the events of the record into a part, unless they are few and `more` bytes of events
    /// have room beside them.
    fn part_of_events(&mut self, more: usize) -> Option<(String, Vec<u8>)> {
        if self.events.is_empty() || bytes_of(&self.events) + more <= PART {
            return None;
        }
        let name = format!("{}.{}", self.tag, self.end());
        let events = std::mem::take(&mut self.events);
        self.parts.push(events.iter().map(|event| event.text.len()).collect());
        // This cannot fail: see `record`.
        Some((name, serde_json::to_vec(&events).unwrap_or_default()))
    }

    /// Drops the oldest events beyond the limits. Gives the names of parts that no event is left
    /// of.
    fn drop_oldest(&mut self, limits: &Limits) -> Vec<String> {
        let mut bytes = 0;
        let fits = |length: &usize| {
            bytes += length;
            bytes <= limits.max_history_bytes
        };
        let newest = self.events.iter().rev().map(|event| event.text.len());
        let lengths = newest.chain(self.parts.iter().rev().flat_map(|part| part.iter().rev().copied()));
        let kept = lengths.take(self.count().min(limits.max_history)).take_while(fits).count().max(1);
        let mut surplus = self.skip + self.count().saturating_sub(kept);
        let first = self.first;
        while let Some(part) = self.parts.first()
            && part.len() <= surplus
        {
            surplus -= part.len();
            self.parts.remove(0);
            self.first += 1;
        }
        // Without parts, the surplus is of the record's own events.
        if self.parts.is_empty() {
            self.events.drain(..surplus);
            surplus = 0;
        }
        self.skip = surplus;
        self.names(first..self.first)
    }
}

fn bytes_of(events: &[Event]) -> usize {
    events.iter().map(|event| event.text.len()).sum()
}
