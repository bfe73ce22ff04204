//! `POST /v1/recommend`: the items that suit a person best, among all that the host keeps. An item
//! has the score that `/v1/rank` gives to its text as a candidate, to the last bit.
//!
//! With `diversity`, items are chosen as `/v1/rank` chooses them from its largest number of
//! candidates: those with the best scores. Without a history there are no scores, and the answer
//! has the items that came last. Pinned items come first, in the order of the request.

mod answer;
mod request;

use super::{
    call::Call,
    endpoint::{Endpoint, Request, Route},
    rank::{Because, Tokens},
};
use crate::{
    compact::{Compact, compact},
    encoder::{Encoded, Text},
    items::{Best, Choice, ItemStore, Liked, Space},
    problem::Problem,
    prompts::behind,
    rank::{Scored, diversify},
    reply::{Reply, Usage},
};
use answer::{Answer, Shown, Skipped, Unknown};
use request::{Asked, Entry, Source};

/// A person, and which items may be recommended.
pub(crate) struct Recommend {
    asked: Asked,
    space: Space,
    query_prompt: String,
}

/// An entry of the history that counts, with the text that the model reads.
struct Read<'a> {
    entry: &'a Entry,
    input: String,
}

/// The items of an answer.
struct Chosen {
    best: Vec<Best>,
    /// So many of them, the first ones, are pinned.
    pinned: usize,
    /// Positions of pinned ids that have no item with a vector.
    unknown: Vec<usize>,
}

impl Endpoint for Recommend {
    fn route() -> Route {
        Route::post("/v1/recommend")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        let space = Space::of(request.model, request.dimensions()?);
        request.need_items()?;
        let asked = Asked::read(request)?;
        Ok(Self { asked, space, query_prompt: request.model.prompts.query().to_owned() })
    }

    fn inputs(&self) -> Vec<Text<'_>> {
        let entries = self.asked.history.iter().filter(|entry| entry.weight > 0.0);
        let texts = entries.filter_map(|entry| match &entry.source {
            Source::Text(text) => Some(Text::single(text)),
            Source::Item(_) => None,
        });
        texts.collect()
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let Asked { choice, diversity, explain, .. } = &self.asked;
        let store = call.items()?;
        let (history, unknown) = self.history(store)?;
        let (chosen, cut, usage) = if history.is_empty() {
            let scored = Scored { score: 0.0, because: Vec::new() };
            let unscored = |item| Best { item, vector: Vec::new(), scored: scored.clone() };
            let newest = |choice: &Choice| Ok(store.newest(choice)?.into_iter().map(unscored).collect());
            (self.choose(choice.top_n, newest)?, Vec::new(), Usage::default())
        } else {
            let inputs: Vec<Text<'_>> = history.iter().map(|read| Text::single(&read.input)).collect();
            let (encoded, usage) = call.encode(&inputs, |input| history[input].entry.path())?;
            let cut = cut_off(&encoded).map(|at| history[at].entry.index).collect();
            let liked = Liked {
                vectors: encoded.iter().flat_map(|one| compact(&one.vector)).collect(),
                weights: history.iter().map(|read| read.entry.weight).collect(),
            };
            let pool = if *diversity == 0.0 { choice.top_n } else { call.limits.max_candidates };
            let chosen = self.choose(pool, |choice| store.best(&self.space, liked.clone(), choice))?;
            (self.diverse(chosen), cut, usage)
        };
        let index = |entry: usize| history[entry].entry.index;
        let items: Vec<Shown<'_>> = chosen
            .best
            .iter()
            .enumerate()
            .map(|(place, best)| {
                let because = explain.then(|| Because::of(&best.scored, index));
                Shown::of(best, place < chosen.pinned, because, &self.asked.with)
            })
            .collect::<Result<_, _>>()?;
        let model = call.model();
        let answer = Answer {
            model: &model.model_id,
            model_digest: &model.model_digest,
            backend: &model.backend,
            items,
            cold_start: history.is_empty().then_some("the items that came last, because no history is known"),
            truncated: Skipped { history: cut },
            unknown: Unknown { history: unknown, pinned: chosen.unknown },
            usage: Tokens { tokens: usage.tokens },
            took_ms: call.took_ms(),
        };
        Reply::answer(&answer, usage)
    }
}

impl Recommend {
    /// The entries of the history that count, and the positions of the items that are not kept any
    /// more.
    fn history(&self, store: &dyn ItemStore) -> Result<(Vec<Read<'_>>, Vec<usize>), Problem> {
        let (mut history, mut unknown) = (Vec::new(), Vec::new());
        for entry in self.asked.history.iter().filter(|entry| entry.weight > 0.0) {
            let input = match &entry.source {
                Source::Text(text) => Some(text.clone()),
                Source::Item(id) => store.get(id)?.map(|item| behind(&self.query_prompt, item.text)),
            };
            match input {
                Some(input) => history.push(Read { entry, input }),
                None => unknown.push(entry.index),
            }
        }
        Ok((history, unknown))
    }

    /// The pinned items, and at most so many others that they are `most` together. `ask` gives the
    /// best items, or the newest ones.
    fn choose(
        &self,
        most: usize,
        ask: impl Fn(&Choice) -> Result<Vec<Best>, Problem>,
    ) -> Result<Chosen, Problem> {
        let Asked { choice, pinned, .. } = &self.asked;
        let place = |id: &String| pinned.iter().position(|pinned| pinned == id);
        let mut best = Vec::new();
        if !pinned.is_empty() {
            let only = Some(pinned.clone());
            best = ask(&Choice { top_n: pinned.len(), filter: Vec::new(), without: Vec::new(), only })?;
            best.sort_by_key(|best| place(&best.item.id));
        }
        let found: Vec<usize> = best.iter().filter_map(|best| place(&best.item.id)).collect();
        if found.len() < most {
            best.extend(ask(&Choice { top_n: most - found.len(), ..choice.clone() })?);
        }
        let unknown = (0..pinned.len()).filter(|place| !found.contains(place)).collect();
        Ok(Chosen { best, pinned: found.len(), unknown })
    }

    /// The pinned items, and those that the request's diversity chooses from the best ones.
    fn diverse(&self, chosen: Chosen) -> Chosen {
        let Asked { choice, diversity, .. } = &self.asked;
        if *diversity == 0.0 {
            return chosen;
        }
        let Chosen { best, pinned, unknown } = chosen;
        let scores: Vec<f64> = best.iter().map(|best| best.scored.score).collect();
        let rows = best.iter().flat_map(|best| best.vector.iter().copied()).collect();
        let vectors = Compact::of_rows(self.space.width, rows);
        let order = diversify(&scores, pinned, choice.top_n, *diversity, |a, b| vectors.similarity(a, b));
        let mut best: Vec<Option<Best>> = best.into_iter().map(Some).collect();
        Chosen { best: order.into_iter().filter_map(|index| best[index].take()).collect(), pinned, unknown }
    }
}

/// Positions of the texts whose end was cut off.
fn cut_off(encoded: &[Encoded]) -> impl Iterator<Item = usize> {
    encoded.iter().enumerate().filter(|(_, one)| one.truncated).map(|(index, _)| index)
}
