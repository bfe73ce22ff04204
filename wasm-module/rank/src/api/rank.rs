//! `POST /v1/rank`: candidates in the order that suits a person's history, with reasons. The
//! equations are in [`crate::rank`].

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    call::Call,
    endpoint::{Endpoint, Request, Route},
    sources::{Compared, Source, compare},
};
use crate::{
    encoder::Text,
    fields::{At, Fields},
    packs::Loaded,
    person::{Event, Person},
    problem::{Problem, quote},
    prompts::Prompts,
    rank::{Scored, diversify, score},
    reply::Reply,
    texts::{read_id, read_text},
};

/// A person, and the candidates to rank for that person.
pub(crate) struct Rank {
    person: Person,
    /// The texts of the person's history; none until a host has looked it up.
    liked: Vec<Source>,
    /// For a history that is looked up later.
    prompts: Prompts,
    packs: Loaded,
    /// The length of a vector.
    width: usize,
    /// Never empty; all ids differ.
    candidates: Vec<Candidate>,
    /// From 1 to the number of candidates.
    top_n: usize,
    /// From 0 to 1.
    diversity: f64,
    /// Whether the answer names the history entries behind each score.
    explain: bool,
}

/// A text that may be shown to the person.
struct Candidate {
    id: String,
    source: Source,
}

#[derive(Serialize)]
struct Answer<'a> {
    model: &'a str,
    model_digest: &'a str,
    backend: &'a str,
    items: Vec<Item<'a>>,
    #[serde(skip_serializing_if = "Truncated::is_empty")]
    truncated: Truncated,
    usage: Tokens,
    took_ms: f64,
}

/// One ranked candidate.
#[derive(Serialize)]
struct Item<'a> {
    id: &'a str,
    index: usize,
    score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<Vec<Because>>,
}

/// A history entry behind a score.
#[derive(Serialize)]
pub(super) struct Because {
    history: usize,
    similarity: f64,
}

impl Because {
    /// The reasons of a score. `index` gives the position in the request of a history's entry.
    pub(super) fn of(scored: &Scored, index: impl Fn(usize) -> usize) -> Vec<Self> {
        let reasons = scored.because.iter();
        reasons.map(|reason| Self { history: index(reason.history), similarity: reason.similarity }).collect()
    }
}

/// Positions of the texts whose end was cut off.
#[derive(Serialize)]
struct Truncated {
    history: Vec<usize>,
    candidates: Vec<usize>,
}

impl Truncated {
    fn is_empty(&self) -> bool {
        self.history.is_empty() && self.candidates.is_empty()
    }
}

/// How many tokens the model ran on.
#[derive(Serialize)]
pub(super) struct Tokens {
    pub(super) tokens: usize,
}

impl Endpoint for Rank {
    fn route() -> Route {
        Route::post("/v1/rank")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        let width = request.dimensions()?;
        let known = ["user", "candidates", "top_n", "diversity", "explain"];
        let mut fields = request.fields(&known)?;
        let (prompts, packs) = (request.model.prompts.clone(), request.packs.clone());
        let person = Person::read(fields.required("user")?, request.limits)?;
        let liked = liked(&person, &prompts, &packs);
        let candidates = read_candidates(fields.required("candidates")?, request)?;
        let count = candidates.len();
        let top_n = fields
            .optional("top_n")
            .map_or(Ok(count), |field| field.whole(1..=count, "the number of candidates"))?;
        let diversity = read_diversity(&mut fields)?;
        let explain = fields.bool("explain", false)?;
        Ok(Self { person, liked, prompts, packs, width, candidates, top_n, diversity, explain })
    }

    fn inputs(&self) -> Vec<Text<'_>> {
        self.liked.iter().filter_map(Source::text).chain(self.items()).map(Text::single).collect()
    }

    fn items(&self) -> Vec<&str> {
        self.candidates.iter().filter_map(|candidate| candidate.source.text()).collect()
    }

    fn user(&self) -> Option<&str> {
        match &self.person {
            Person::Stored(id) => Some(id),
            Person::Given(_) => None,
        }
    }

    fn set_history(&mut self, events: Vec<Event>) -> Result<(), Problem> {
        if let Person::Stored(id) = &self.person {
            self.person = Person::of_stored(id, events)?;
            self.liked = liked(&self.person, &self.prompts, &self.packs);
        }
        Ok(())
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let history = self.person.history()?;
        let field = |input: usize| match history.get(input) {
            Some(entry) => format!("user.history[{}].text", entry.index),
            None => format!("candidates[{}].text", input.saturating_sub(history.len())),
        };
        let count = history.len();
        let offered = self.candidates.iter().map(|candidate| &candidate.source);
        let sources: Vec<&Source> = self.liked.iter().chain(offered).collect();
        let Compared { vectors, truncated, usage } = compare(call, &sources, self.width, field)?;
        let weights: Vec<f64> = history.iter().map(|entry| entry.weight).collect();
        let scored: Vec<Scored> = (count..sources.len())
            .map(|offered| score(&vectors.similarities(offered, 0..count), &weights))
            .collect();
        let scores: Vec<f64> = scored.iter().map(|scored| scored.score).collect();
        let chosen = diversify(&scores, 0, self.top_n, self.diversity, |a, b| {
            vectors.similarity(count + a, count + b)
        });

        let items = chosen
            .into_iter()
            .map(|index| Item {
                id: &self.candidates[index].id,
                index,
                score: scores[index],
                because: self.explain.then(|| Because::of(&scored[index], |entry| history[entry].index)),
            })
            .collect();
        let (liked, offered) = truncated.split_at(truncated.partition_point(|&at| at < count));
        let truncated = Truncated {
            history: liked.iter().map(|&at| history[at].index).collect(),
            candidates: offered.iter().map(|&at| at - count).collect(),
        };
        let model = call.model();
        let answer = Answer {
            model: &model.model_id,
            model_digest: &model.model_digest,
            backend: &model.backend,
            items,
            truncated,
            usage: Tokens { tokens: usage.tokens },
            took_ms: call.took_ms(),
        };
        Reply::answer(&answer, usage)
    }
}

/// The sources of a history that is there; its texts stand behind the prompt of queries.
fn liked(person: &Person, prompts: &Prompts, packs: &Loaded) -> Vec<Source> {
    let (query, document) = (prompts.query(), prompts.document());
    let history = person.history().unwrap_or_default().iter();
    history.map(|entry| Source::of(packs, query, document, entry.text.clone())).collect()
}

fn read_candidates(field: At, request: &Request<'_>) -> Result<Vec<Candidate>, Problem> {
    let limits = request.limits;
    let path = field.path.clone();
    let entries = field.array("an array of {id, text}", limits.max_candidates)?;
    if entries.is_empty() {
        return Err(Problem::empty(path, "no candidates; send at least one"));
    }
    let mut seen = BTreeMap::new();
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
        let source = read_source(&mut entry, &id, request)?;
        candidates.push(Candidate { id, source });
    }
    Ok(candidates)
}

/// Reads a candidate's text. Without one, a pack must have the vector of the item with its id.
fn read_source(entry: &mut Fields, id: &str, request: &Request<'_>) -> Result<Source, Problem> {
    let packs = request.packs;
    if packs.is_empty() || entry.has("text") {
        let text = read_text(entry.required("text")?, request.limits)?;
        let document = request.model.prompts.document();
        return Ok(Source::of(packs, document, document, text));
    }
    packs.of_id(id).map(|vector| Source::Known(vector.numbers().collect())).ok_or_else(|| {
        let detail = format!("this field is missing, and the vector packs have no item {}", quote(id));
        Problem::invalid(entry.path("text"), detail)
    })
}

/// Reads `diversity`, from 0 to 1.
pub(super) fn read_diversity(fields: &mut Fields) -> Result<f64, Problem> {
    fields.optional("diversity").map_or(Ok(0.0), |field| {
        let path = field.path.clone();
        let value = field.number()?;
        if (0.0..=1.0).contains(&value) {
            return Ok(value);
        }
        let detail = "expected a number from 0 (relevance alone) to 1 (novelty alone)";
        Err(Problem::invalid(path, format!("{detail}, got {value}")))
    })
}
