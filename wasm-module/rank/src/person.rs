//! The person that a request ranks for: a history in the request, or the id of a stored history.

use serde::{Deserialize, Serialize};

use crate::{
    fields::{At, Fields},
    limits::Limits,
    problem::{Problem, quote},
    texts::{read_id, read_text},
};

/// One text that a person has read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The text.
    pub text: String,
    /// How much the text counts: a finite number, 0 or more.
    pub weight: f64,
}

/// Whose history the candidates are ranked for.
pub(crate) enum Person {
    /// The history's entries with a weight above 0; never empty.
    Given(Vec<HistoryEntry>),
    /// The id under which a host stores the history.
    Stored(String),
}

/// A history entry that takes part in the ranking.
pub(crate) struct HistoryEntry {
    /// Position in the request's history.
    pub(crate) index: usize,
    pub(crate) text: String,
    /// Finite and above 0.
    pub(crate) weight: f64,
}

impl Person {
    /// Reads `{"history": […]}` or `{"id": "…"}`.
    pub(crate) fn read(field: At, limits: &Limits) -> Result<Self, Problem> {
        let path = field.path.clone();
        let mut user = field.fields(&["history", "id"])?;
        match (user.optional("id"), user.optional("history")) {
            (Some(_), Some(_)) => Err(Problem::invalid(path, "both id and history; send one of them")),
            (Some(id), None) => read_id(id, limits).map(Self::Stored),
            (None, Some(history)) => {
                let path = history.path.clone();
                Self::of_events(path, read_events(history, limits)?)
            }
            (None, None) => {
                Err(Problem::invalid(format!("{path}.history"), "this field is missing, and so is id"))
            }
        }
    }

    /// The person with the history stored under `id`.
    pub(crate) fn of_stored(id: &str, events: Vec<Event>) -> Result<Self, Problem> {
        if events.is_empty() {
            return Err(Problem::empty("user.id", format!("nothing is known of {}", quote(id))));
        }
        Self::of_events("user.id".into(), events)
    }

    /// The person with this history. Errors name the field `path`.
    fn of_events(path: String, events: Vec<Event>) -> Result<Self, Problem> {
        let count = events.len();
        // An entry with weight 0 must not count, so the model never sees it.
        let entries = events.into_iter().enumerate().filter(|(_, event)| event.weight > 0.0);
        let history: Vec<HistoryEntry> = entries
            .map(|(index, event)| HistoryEntry { index, text: event.text, weight: event.weight })
            .collect();
        if history.is_empty() {
            let detail = format!("all {count} weights are 0; at least one must be above 0");
            return Err(Problem::invalid(path, detail));
        }
        Ok(Self::Given(history))
    }

    /// The history's entries, unless a host still has to look them up.
    pub(crate) fn history(&self) -> Result<&[HistoryEntry], Problem> {
        match self {
            Self::Given(history) => Ok(history),
            Self::Stored(id) => {
                let detail = format!("no histories are kept here, so {} is unknown; send history", quote(id));
                Err(Problem::invalid("user.id", detail))
            }
        }
    }
}

/// Reads a history of at least one entry.
pub(crate) fn read_events(field: At, limits: &Limits) -> Result<Vec<Event>, Problem> {
    let path = field.path.clone();
    let entries = field.array("an array of {text, weight}", limits.max_history)?;
    if entries.is_empty() {
        let detail = "a history of nothing; send at least one entry";
        return Err(Problem::empty(path, detail));
    }
    let read = |entry: At| {
        let mut entry = entry.fields(&["text", "weight"])?;
        let text = read_text(entry.required("text")?, limits)?;
        let weight = read_weight(&mut entry)?;
        Ok(Event { text, weight })
    };
    entries.into_iter().map(read).collect()
}

/// Reads how much an entry counts: a finite number, 0 or more; 1 if it does not say so.
pub(crate) fn read_weight(entry: &mut Fields) -> Result<f64, Problem> {
    entry.optional("weight").map_or(Ok(1.0), |field| {
        let path = field.path.clone();
        let value = field.number()?;
        if value.is_finite() && value >= 0.0 {
            return Ok(value);
        }
        let detail = format!("expected a finite number, 0 or more, got {value}");
        Err(Problem::invalid(path, detail))
    })
}
