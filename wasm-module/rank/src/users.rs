//! What a person has read, kept under an id: requests, and the record they change.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/users/{id}/events` with `{"events": [{"text", "weight"?}]}` | `{"user", "events", "dropped"}`: how many are kept now, and how many older ones had to go |
//! | `GET /v1/users/{id}/events` | `{"user", "events": [{"text", "weight"}]}`, the oldest first |
//! | `DELETE /v1/users/{id}` | `{"user", "deleted"}`: nothing of the user is kept any more |
//!
//! An id in a path is percent-encoded UTF-8. This module has no store: it reads requests and changes records, and a
//! place that has a store does the rest.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    fields::At,
    json::parse,
    limits::Limits,
    problem::{Problem, quote},
    reply::{Reply, Usage},
    request::{Person, check_id, read_events},
};

/// Something that a person has read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its text.
    pub text: String,
    /// How much it counts: finite, 0 or more.
    pub weight: f64,
}

/// A request about one user.
#[derive(Debug, Clone, PartialEq)]
pub enum UserRequest {
    /// Adds events to the end of the history.
    Append {
        /// The user.
        id: String,
        /// Never empty.
        events: Vec<Event>,
    },
    /// Asks for the history.
    Read {
        /// The user.
        id: String,
    },
    /// Deletes all that is kept.
    Delete {
        /// The user.
        id: String,
    },
}

/// The history of one user as it is stored: JSON, the oldest event first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The oldest first.
    pub events: Vec<Event>,
}

const ROOT: &str = "/v1/users/";

impl UserRequest {
    /// Reads a request whose path begins with `/v1/users/`; `None` for every other path.
    ///
    /// # Errors
    ///
    /// The refusal of a request that is not one of the table above.
    pub fn read(method: &str, path: &str, body: &[u8], limits: &Limits) -> Option<Result<Self, Reply>> {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let rest = path.strip_prefix(ROOT)?;
        Some(Self::of(method, path, rest, body, limits).map_err(|problem| Reply::refusal(&problem)))
    }

    fn of(method: &str, path: &str, rest: &str, body: &[u8], limits: &Limits) -> Result<Self, Problem> {
        let (id, what) = rest.split_once('/').unwrap_or((rest, ""));
        let allowed = match what {
            "events" => "GET or POST",
            "" if !rest.ends_with('/') => "DELETE",
            _ => {
                let known = "/v1/users/{id}, /v1/users/{id}/events".into();
                return Err(Problem::NotFound { path: quote(path), known });
            }
        };
        let id = decode(id)?;
        check_id("id", &id, limits)?;
        match (what, method) {
            ("events", "POST") => {
                let mut fields = At::body(parse(body, limits)?, &["events"])?;
                Ok(Self::Append { id, events: read_events(fields.required("events")?, limits)? })
            }
            ("events", "GET" | "HEAD") => Ok(Self::Read { id }),
            ("", "DELETE") => Ok(Self::Delete { id }),
            _ => Err(Problem::Method { path: path.to_owned(), method: quote(method), allowed }),
        }
    }

    /// The user.
    pub fn id(&self) -> &str {
        match self {
            Self::Append { id, .. } | Self::Read { id } | Self::Delete { id } => id,
        }
    }

    /// The answer to a read, or to a delete, of what was stored.
    pub fn answer(&self, stored: &History) -> Reply {
        let body = match self {
            Self::Delete { id } => json!({ "user": id, "deleted": stored.events.len() }),
            _ => json!({ "user": self.id(), "events": stored.events }),
        };
        Reply { status: 200, body: body.to_string(), usage: Usage::default() }
    }
}

impl History {
    /// What was stored under a user's key; nothing where nothing was.
    ///
    /// # Errors
    ///
    /// Where the bytes are no history.
    pub fn of_record(record: Option<&[u8]>) -> Result<Self, Reply> {
        let Some(record) = record else { return Ok(Self::default()) };
        serde_json::from_slice(record).map_err(|error| {
            Reply::refusal(&Problem::Backend(format!("the stored history cannot be read: {error}")))
        })
    }

    /// What to store.
    pub fn record(&self) -> Vec<u8> {
        // A struct of strings and finite numbers always has a JSON form.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Adds the newest events, drops the oldest beyond [`Limits::max_history`] and [`Limits::max_history_bytes`], and
    /// answers. The newest event always stays.
    pub fn append(&mut self, id: &str, events: &[Event], limits: &Limits) -> Reply {
        self.events.extend_from_slice(events);
        let mut bytes = 0;
        let fits = |event: &&Event| {
            bytes += event.text.len();
            bytes <= limits.max_history_bytes
        };
        let kept = self.events.iter().rev().take(limits.max_history).take_while(fits).count();
        let dropped = self.events.len() - kept.max(1).min(self.events.len());
        self.events.drain(..dropped);
        let body = json!({ "user": id, "events": self.events.len(), "dropped": dropped });
        Reply { status: 200, body: body.to_string(), usage: Usage::default() }
    }
}

/// The person of a stored history.
pub(crate) fn person(id: &str, events: Vec<Event>) -> Result<Person, Problem> {
    if events.is_empty() {
        return Err(Problem::empty("user.id", format!("nothing is known of {}", quote(id))));
    }
    Person::of_events("user.id".into(), events)
}

/// A segment of a path without its percent signs.
fn decode(segment: &str) -> Result<String, Problem> {
    let refuse = |what: &str| Err(Problem::invalid("id", format!("{what} in {}", quote(segment))));
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        match (digit(), digit()) {
            (Some(high), Some(low)) => bytes.push((high * 16 + low) as u8),
            _ => return refuse("a percent sign without two hexadecimal digits"),
        }
    }
    String::from_utf8(bytes).or_else(|_| refuse("no UTF-8"))
}
