//! The requests, read from JSON and validated before any of them costs a model run.

use crate::{
    fields::{At, Fields},
    json::Json,
    limits::Limits,
    problem::{Problem, quote},
    users::Event,
};

/// Whose history the candidates are ranked for.
pub(crate) enum Person {
    /// The entries with a weight above 0; never empty.
    Given(Vec<HistoryEntry>),
    /// The id under which a history is kept.
    Stored(String),
}

/// What a person has read, with how much it counts.
pub(crate) struct HistoryEntry {
    /// Position in the request.
    pub(crate) index: usize,
    pub(crate) text: String,
    /// Finite and above 0.
    pub(crate) weight: f64,
}

/// What may be shown to that person.
pub(crate) struct Candidate {
    pub(crate) id: String,
    pub(crate) text: String,
}

/// `POST /v1/rank`.
pub(crate) struct RankRequest {
    pub(crate) person: Person,
    /// Never empty, the ids all different.
    pub(crate) candidates: Vec<Candidate>,
    /// From 1 to the number of candidates.
    pub(crate) top_n: usize,
    /// From 0 to 1.
    pub(crate) diversity: f64,
    pub(crate) explain: bool,
}

impl RankRequest {
    pub(crate) fn read(body: Json, limits: &Limits) -> Result<Self, Problem> {
        let known = ["user", "candidates", "top_n", "diversity", "explain"];
        let mut fields = At::body(body, &known)?;
        let person = read_person(fields.required("user")?, limits)?;
        let candidates = read_candidates(fields.required("candidates")?, limits)?;

        let count = candidates.len();
        let top_n = fields
            .optional("top_n")
            .map_or(Ok(count), |field| field.whole(1..=count, "the number of candidates"))?;
        let diversity = fields.optional("diversity").map_or(Ok(0.0), |field| {
            let path = field.path.clone();
            let value = field.number()?;
            if (0.0..=1.0).contains(&value) {
                return Ok(value);
            }
            let detail = "expected a number from 0 (relevance alone) to 1 (novelty alone)";
            Err(Problem::invalid(path, format!("{detail}, got {value}")))
        })?;
        Ok(Self { person, candidates, top_n, diversity, explain: fields.bool("explain", false)? })
    }
}

/// A history, or the id under which one is kept.
fn read_person(field: At, limits: &Limits) -> Result<Person, Problem> {
    let path = field.path.clone();
    let mut user = field.fields(&["history", "id"])?;
    match (user.optional("id"), user.optional("history")) {
        (Some(_), Some(_)) => Err(Problem::invalid(path, "both id and history; send one of them")),
        (Some(id), None) => read_id(id, limits).map(Person::Stored),
        (None, Some(history)) => {
            let path = history.path.clone();
            let events = read_events(history, limits)?;
            Person::of_events(path, events)
        }
        (None, None) => {
            Err(Problem::invalid(format!("{path}.history"), "this field is missing, and so is id"))
        }
    }
}

impl Person {
    /// A history of events, named `path` in errors.
    pub(crate) fn of_events(path: String, events: Vec<Event>) -> Result<Self, Problem> {
        let count = events.len();
        // A weight of 0 says that the entry is not to count, so it takes no part at all.
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
}

/// An id of 1 to [`Limits::max_id_bytes`] bytes.
fn read_id(field: At, limits: &Limits) -> Result<String, Problem> {
    let path = field.path.clone();
    let id = field.string()?;
    check_id(&path, &id, limits)?;
    Ok(id)
}

/// Refuses an empty id and one that is too long.
pub(crate) fn check_id(path: &str, id: &str, limits: &Limits) -> Result<(), Problem> {
    check_bytes(path, id, limits.max_id_bytes)?;
    if id.is_empty() { Err(Problem::empty(path, "the id is \"\"")) } else { Ok(()) }
}

/// Entries of a history; never none.
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
        let weight = entry.optional("weight").map_or(Ok(1.0), |field| {
            let path = field.path.clone();
            let value = field.number()?;
            if value.is_finite() && value >= 0.0 {
                return Ok(value);
            }
            let detail = format!("expected a finite number, 0 or more, got {value}");
            Err(Problem::invalid(path, detail))
        })?;
        Ok(Event { text, weight })
    };
    entries.into_iter().map(read).collect()
}

fn read_candidates(field: At, limits: &Limits) -> Result<Vec<Candidate>, Problem> {
    let path = field.path.clone();
    let entries = field.array("an array of {id, text}", limits.max_candidates)?;
    if entries.is_empty() {
        return Err(Problem::empty(path, "no candidates; send at least one"));
    }
    let mut seen = std::collections::BTreeMap::new();
    let mut candidates = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let mut entry = entry.fields(&["id", "text"])?;
        let field = entry.required("id")?;
        let path = field.path.clone();
        let id = read_id(field, limits)?;
        if let Some(first) = seen.insert(id.clone(), index) {
            let detail = format!("{} is the id of candidates[{first}] already", quote(&id));
            return Err(Problem::invalid(path, detail));
        }
        let text = read_text(entry.required("text")?, limits)?;
        candidates.push(Candidate { id, text });
    }
    Ok(candidates)
}

/// `POST /embed`.
pub(crate) struct EmbedRequest {
    /// Never empty.
    pub(crate) inputs: Vec<String>,
    pub(crate) truncate: bool,
    pub(crate) normalize: bool,
    /// From 1 to the model's dimensions.
    pub(crate) dimensions: usize,
}

impl EmbedRequest {
    pub(crate) fn read(body: Json, limits: &Limits, dimensions: usize) -> Result<Self, Problem> {
        let known = ["inputs", "truncate", "truncation_direction", "normalize", "dimensions"];
        let mut fields = At::body(body, &known)?;
        Ok(Self {
            inputs: read_inputs(fields.required("inputs")?, limits)?,
            truncate: read_truncation(&mut fields, limits)?,
            normalize: fields.bool("normalize", true)?,
            dimensions: read_dimensions(&mut fields, dimensions)?,
        })
    }
}

/// `POST /v1/embeddings`.
pub(crate) struct EmbeddingsRequest {
    /// Never empty.
    pub(crate) inputs: Vec<String>,
    /// From 1 to the model's dimensions.
    pub(crate) dimensions: usize,
    /// Vectors as base64 of little-endian `f32`, not as arrays of numbers.
    pub(crate) base64: bool,
}

impl EmbeddingsRequest {
    /// `model` and `user` are what OpenAI's clients send along; there is one model, whatever they ask for.
    pub(crate) fn read(body: Json, limits: &Limits, dimensions: usize) -> Result<Self, Problem> {
        let known = ["input", "model", "encoding_format", "dimensions", "user"];
        let mut fields = At::body(body, &known)?;
        for name in ["model", "user"] {
            fields.optional(name).map(At::string).transpose()?;
        }
        let base64 = fields.optional("encoding_format").map_or(Ok(false), |field| {
            let path = field.path.clone();
            match field.string()?.as_str() {
                "float" => Ok(false),
                "base64" => Ok(true),
                other => {
                    let detail = format!("expected \"float\" or \"base64\", got {}", quote(other));
                    Err(Problem::invalid(path, detail))
                }
            }
        })?;
        let inputs = read_inputs(fields.required("input")?, limits)?;
        let dimensions = read_dimensions(&mut fields, dimensions)?;
        Ok(Self { inputs, dimensions, base64 })
    }
}

/// `POST /rerank`.
pub(crate) struct RerankRequest {
    pub(crate) query: String,
    /// Never empty.
    pub(crate) texts: Vec<String>,
    pub(crate) raw_scores: bool,
    pub(crate) return_text: bool,
    pub(crate) truncate: bool,
}

impl RerankRequest {
    pub(crate) fn read(body: Json, limits: &Limits) -> Result<Self, Problem> {
        let known = ["query", "texts", "raw_scores", "return_text", "truncate", "truncation_direction"];
        let mut fields = At::body(body, &known)?;
        Ok(Self {
            query: read_text(fields.required("query")?, limits)?,
            texts: read_texts(fields.required("texts")?, "an array of strings", limits)?,
            raw_scores: fields.bool("raw_scores", false)?,
            return_text: fields.bool("return_text", false)?,
            truncate: read_truncation(&mut fields, limits)?,
        })
    }
}

/// `POST /lockstep/encode`: strings, and pairs of strings for a cross-encoder.
pub(crate) struct EncodeRequest {
    /// Never empty.
    pub(crate) inputs: Vec<(String, Option<String>)>,
}

impl EncodeRequest {
    pub(crate) fn read(body: Json, limits: &Limits) -> Result<Self, Problem> {
        let inputs = At::body(body, &["inputs"])?.required("inputs")?;
        let wanted = "an array of strings or of pairs of strings";
        let inputs = non_empty(inputs, wanted, limits.max_inputs)?
            .into_iter()
            .map(|input| {
                if input.is_string() {
                    return Ok((read_text(input, limits)?, None));
                }
                let path = input.path.clone();
                let pair = input.array("a string or a pair of strings", 2)?;
                let count = pair.len();
                let mut pair = pair.into_iter();
                let (Some(first), Some(second)) = (pair.next(), pair.next()) else {
                    let detail = format!("expected a pair of strings, got an array of {count}");
                    return Err(Problem::invalid(path, detail));
                };
                Ok((read_text(first, limits)?, Some(read_text(second, limits)?)))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { inputs })
    }
}

fn non_empty(field: At, wanted: &str, limit: usize) -> Result<Vec<At>, Problem> {
    let path = field.path.clone();
    let entries = field.array(wanted, limit)?;
    if entries.is_empty() {
        return Err(Problem::empty(path, "no texts; send at least one"));
    }
    Ok(entries)
}

/// One text or several.
fn read_inputs(field: At, limits: &Limits) -> Result<Vec<String>, Problem> {
    if field.is_string() {
        Ok(vec![read_text(field, limits)?])
    } else {
        read_texts(field, "a string or an array of strings", limits)
    }
}

/// How many numbers of a vector are wanted: from 1 to all.
fn read_dimensions(fields: &mut Fields, dimensions: usize) -> Result<usize, Problem> {
    fields
        .optional("dimensions")
        .map_or(Ok(dimensions), |field| field.whole(1..=dimensions, "the model's dimensions"))
}

fn read_texts(field: At, wanted: &str, limits: &Limits) -> Result<Vec<String>, Problem> {
    non_empty(field, wanted, limits.max_inputs)?.into_iter().map(|text| read_text(text, limits)).collect()
}

/// A text of which something is left once what every BERT normaliser drops is gone.
fn read_text(field: At, limits: &Limits) -> Result<String, Problem> {
    let path = field.path.clone();
    let text = field.string()?;
    check_bytes(&path, &text, limits.max_text_bytes)?;
    if text.chars().all(leaves_nothing) {
        let detail = format!(
            "the text is {}, of which white space and control characters leave nothing",
            quote(&text)
        );
        return Err(Problem::empty(path, detail));
    }
    Ok(text)
}

/// White space and what normalisers remove: control characters with NUL among them, the
/// replacement character, and the invisible format characters. A text may hold any of them as
/// long as it holds something else.
fn leaves_nothing(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffd}')
}

fn check_bytes(path: &str, text: &str, limit: usize) -> Result<(), Problem> {
    if text.len() > limit {
        return Err(Problem::TooLarge {
            field: path.to_owned(),
            amount: text.len(),
            unit: "bytes of text",
            limit,
        });
    }
    Ok(())
}

/// Whether to cut long texts. Only their end can be cut.
fn read_truncation(fields: &mut Fields, limits: &Limits) -> Result<bool, Problem> {
    if let Some(field) = fields.optional("truncation_direction") {
        let path = field.path.clone();
        let direction = field.string()?;
        if !direction.eq_ignore_ascii_case("right") {
            let detail = format!("expected \"right\", got {}", quote(&direction));
            return Err(Problem::invalid(path, detail));
        }
    }
    fields.bool("truncate", limits.auto_truncate)
}
