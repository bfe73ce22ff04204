//! Histories that a host stores under a user's id: the requests, and the stored record.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/users/{id}/events` | `{"user", "events", "dropped"}` |
//! | `GET /v1/users/{id}/events` | `{"user", "events": [{"text", "weight"}]}`, the oldest first |
//! | `DELETE /v1/users/{id}` | `{"user", "deleted"}`: how many events were deleted |
//!
//! The `POST` sends `{"events": [{"text", "weight"?}]}`. In its answer, `events` counts the events
//! stored now, and `dropped` the old events that were deleted to make room. An id in a path is
//! percent-encoded UTF-8.
//!
//! These requests need a store, so they are no endpoints of [`Service`](crate::Service). This
//! module reads the requests; [`Stored`](crate::Stored) is a record of a host's store.

use serde_json::json;

use crate::{
    fields::At,
    json::parse,
    limits::Limits,
    percent::decode,
    person::{Event, read_events},
    problem::{Problem, quote},
    reply::{Reply, Usage},
    texts::check_id,
};

/// A request about one user.
#[derive(Debug, Clone, PartialEq)]
pub enum UserRequest {
    /// Adds events to the end of the stored history.
    Append {
        /// The user's id.
        id: String,
        /// The new events; never empty.
        events: Vec<Event>,
    },
    /// Asks for the stored history.
    Read {
        /// The user's id.
        id: String,
    },
    /// Deletes the stored history.
    Delete {
        /// The user's id.
        id: String,
    },
}

const ROOT: &str = "/v1/users/";

impl UserRequest {
    /// Reads a request whose path begins with `/v1/users/`. For any other path it gives `None`.
    ///
    /// # Errors
    ///
    /// The refusal of a request that the table above does not list.
    pub fn read(method: &str, path: &str, body: &[u8], limits: &Limits) -> Option<Result<Self, Reply>> {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let rest = path.strip_prefix(ROOT)?;
        Some(Self::of(method, path, rest, body, limits).map_err(|problem| Reply::refusal(&problem)))
    }

    fn of(method: &str, path: &str, rest: &str, body: &[u8], limits: &Limits) -> Result<Self, Problem> {
        let (id, resource) = rest.split_once('/').unwrap_or((rest, ""));
        let allowed = match resource {
            "events" => "GET or POST",
            "" if !rest.ends_with('/') => "DELETE",
            _ => {
                let known = "/v1/users/{id}, /v1/users/{id}/events".into();
                return Err(Problem::NotFound { path: quote(path), known });
            }
        };
        let refuse = |reason| Problem::invalid("id", format!("{reason} in {}", quote(id)));
        let id = decode(id).map_err(refuse)?;
        check_id("id", &id, limits)?;
        match (resource, method) {
            ("events", "POST") => {
                let mut fields = At::body(parse(body, limits)?, &["events"])?;
                Ok(Self::Append { id, events: read_events(fields.required("events")?, limits)? })
            }
            ("events", "GET" | "HEAD") => Ok(Self::Read { id }),
            ("", "DELETE") => Ok(Self::Delete { id }),
            _ => {
                Err(Problem::Method { path: path.to_owned(), method: quote(method), allowed: allowed.into() })
            }
        }
    }

    /// The user's id.
    pub fn id(&self) -> &str {
        match self {
            Self::Append { id, .. } | Self::Read { id } | Self::Delete { id } => id,
        }
    }

    /// The answer to a read. `events` are those stored, the oldest first.
    pub fn read_answer(&self, events: &[Event]) -> Reply {
        Reply::ok(json!({ "user": self.id(), "events": events }).to_string(), Usage::default())
    }

    /// The answer to a delete of so many events.
    pub fn delete_answer(&self, deleted: usize) -> Reply {
        Reply::ok(json!({ "user": self.id(), "deleted": deleted }).to_string(), Usage::default())
    }
}
