//! What a request for recommendations asks.

use super::super::{endpoint::Request, rank::read_diversity};
use crate::{
    attributes::read_filter,
    fields::{At, Fields},
    items::Choice,
    limits::Limits,
    person::read_weight,
    problem::{Problem, quote},
    prompts::behind,
    texts::{read_id, read_text},
};

/// How many items an answer has if the request does not say so.
const TOP_N: usize = 10;

/// A valid request.
pub(super) struct Asked {
    /// May be empty; otherwise at least one weight is above 0.
    pub(super) history: Vec<Entry>,
    /// The pinned items are left out of it.
    pub(super) choice: Choice,
    /// Ids of items that come first; each once, and at most as many as the answer has.
    pub(super) pinned: Vec<String>,
    /// From 0 to 1.
    pub(super) diversity: f64,
    /// Whether the answer names the history entries behind each score.
    pub(super) explain: bool,
    pub(super) with: With,
}

/// An entry of the person's history.
pub(super) struct Entry {
    /// Its position.
    pub(super) index: usize,
    pub(super) source: Source,
    /// Finite, 0 or more.
    pub(super) weight: f64,
}

/// The text of an entry.
pub(super) enum Source {
    /// A text behind the prompt of queries.
    Text(String),
    /// That of the item with this id.
    Item(String),
}

/// The parts of an item that the answer has.
#[derive(Default)]
pub(super) struct With {
    pub(super) text: bool,
    pub(super) attributes: bool,
    pub(super) expires: bool,
}

impl Entry {
    /// The field of the entry's text.
    pub(super) fn path(&self) -> String {
        let field = match self.source {
            Source::Text(_) => "text",
            Source::Item(_) => "item",
        };
        format!("user.history[{}].{field}", self.index)
    }
}

impl Asked {
    pub(super) fn read(request: &Request<'_>) -> Result<Self, Problem> {
        let limits = request.limits;
        let known = ["user", "top_n", "filter", "exclude", "seen", "pinned", "diversity", "explain", "with"];
        let mut fields = request.fields(&known)?;
        let mut user = fields.required("user")?.fields(&["history"])?;
        let history = read_history(user.required("history")?, request.model.prompts.query(), limits)?;
        let most = limits.max_candidates;
        let top_n = fields.optional("top_n").map_or(Ok(TOP_N.min(most)), |field| {
            field.whole(1..=most, "as many as a request may have candidates")
        })?;
        let filter = fields.optional("filter");
        let filter = filter.map_or_else(|| Ok(Vec::new()), |field| read_filter(field, limits))?;
        let mut without = read_ids(&mut fields, "exclude", limits)?;
        let pinned = read_pinned(&mut fields, top_n, &without, limits)?;
        if !fields.bool("seen", false)? {
            without.extend(history.iter().filter_map(|entry| match &entry.source {
                Source::Item(id) => Some(id.clone()),
                Source::Text(_) => None,
            }));
        }
        without.extend(pinned.iter().cloned());
        Ok(Self {
            history,
            choice: Choice { top_n, filter, without, only: None },
            pinned,
            diversity: read_diversity(&mut fields)?,
            explain: fields.bool("explain", false)?,
            with: read_with(&mut fields)?,
        })
    }
}

fn read_history(field: At, prompt: &str, limits: &Limits) -> Result<Vec<Entry>, Problem> {
    let path = field.path.clone();
    let entries = field.array("an array of {text, weight} or {item, weight}", limits.max_history)?;
    let history: Vec<Entry> = entries
        .into_iter()
        .enumerate()
        .map(|(index, entry)| {
            let path = entry.path.clone();
            let mut entry = entry.fields(&["text", "item", "weight"])?;
            let weight = read_weight(&mut entry)?;
            let source = match (entry.optional("text"), entry.optional("item")) {
                (Some(text), None) => Source::Text(behind(prompt, read_text(text, limits)?)),
                (None, Some(item)) => Source::Item(read_id(item, limits)?),
                (Some(_), Some(_)) => {
                    return Err(Problem::invalid(path, "both text and item; send one of them"));
                }
                (None, None) => {
                    let detail = "this field is missing, and so is item";
                    return Err(Problem::invalid(format!("{path}.text"), detail));
                }
            };
            Ok(Entry { index, source, weight })
        })
        .collect::<Result<_, _>>()?;
    if !history.is_empty() && history.iter().all(|entry| entry.weight == 0.0) {
        let count = history.len();
        let detail = format!("all {count} weights are 0; at least one must be above 0");
        return Err(Problem::invalid(path, detail));
    }
    Ok(history)
}

/// Reads the pinned ids. Each takes a place of the `top_n`.
fn read_pinned(
    fields: &mut Fields,
    top_n: usize,
    excluded: &[String],
    limits: &Limits,
) -> Result<Vec<String>, Problem> {
    let pinned = read_ids(fields, "pinned", limits)?;
    if pinned.len() > top_n {
        let detail = format!("{} ids, and the answer has top_n = {top_n} items", pinned.len());
        return Err(Problem::invalid("pinned", detail));
    }
    for (place, id) in pinned.iter().enumerate() {
        let wrong = |why: &str| Problem::invalid(format!("pinned[{place}]"), format!("{} {why}", quote(id)));
        if excluded.contains(id) {
            return Err(wrong("is in exclude too"));
        }
        if pinned[..place].contains(id) {
            return Err(wrong("is pinned already"));
        }
    }
    Ok(pinned)
}

fn read_ids(fields: &mut Fields, name: &str, limits: &Limits) -> Result<Vec<String>, Problem> {
    let Some(field) = fields.optional(name) else { return Ok(Vec::new()) };
    let ids = field.array("an array of ids", limits.max_candidates)?;
    ids.into_iter().map(|id| read_id(id, limits)).collect()
}

fn read_with(fields: &mut Fields) -> Result<With, Problem> {
    let mut with = With::default();
    let Some(field) = fields.optional("with") else { return Ok(with) };
    for name in field.array("an array of text, attributes, expires", 3)? {
        let path = name.path.clone();
        match name.string()?.as_str() {
            "text" => with.text = true,
            "attributes" => with.attributes = true,
            "expires" => with.expires = true,
            other => {
                let detail = format!("expected text, attributes or expires, got {}", quote(other));
                return Err(Problem::invalid(path, detail));
            }
        }
    }
    Ok(with)
}
