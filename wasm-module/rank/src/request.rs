//! The requests, read from JSON and validated before any of them costs a model run.

use crate::{
    fields::{At, Fields},
    json::Json,
    limits::Limits,
    problem::{Problem, quote},
};

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
    /// The entries with a weight above 0; never empty.
    pub(crate) history: Vec<HistoryEntry>,
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
        let mut user = fields.required("user")?.fields(&["history"])?;
        let history = read_history(user.required("history")?, limits)?;
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
        Ok(Self { history, candidates, top_n, diversity, explain: fields.bool("explain", false)? })
    }
}

fn read_history(field: At, limits: &Limits) -> Result<Vec<HistoryEntry>, Problem> {
    let path = field.path.clone();
    let entries = field.array("an array of {text, weight}", limits.max_history)?;
    let count = entries.len();
    if count == 0 {
        let detail = "a history of nothing; send at least one entry";
        return Err(Problem::empty(path, detail));
    }
    let mut history = Vec::with_capacity(count);
    for (index, entry) in entries.into_iter().enumerate() {
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
        // A weight of 0 says that the entry is not to count, so it takes no part at all.
        if weight > 0.0 {
            history.push(HistoryEntry { index, text, weight });
        }
    }
    if history.is_empty() {
        let detail = format!("all {count} weights are 0; at least one must be above 0");
        return Err(Problem::invalid(path, detail));
    }
    Ok(history)
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
        let id = field.string()?;
        check_bytes(&path, &id, limits.max_id_bytes)?;
        if id.is_empty() {
            return Err(Problem::empty(path, "the id is \"\""));
        }
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
        let inputs = fields.required("inputs")?;
        let inputs = if inputs.is_string() {
            vec![read_text(inputs, limits)?]
        } else {
            read_texts(inputs, "a string or an array of strings", limits)?
        };
        Ok(Self {
            inputs,
            truncate: read_truncation(&mut fields, limits)?,
            normalize: fields.bool("normalize", true)?,
            dimensions: fields
                .optional("dimensions")
                .map_or(Ok(dimensions), |field| field.whole(1..=dimensions, "the model's dimensions"))?,
        })
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
