//! `PUT /v1/items`: puts items, each in the place of the one with its id. The model runs on the
//! texts whose vectors are not known.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    super::{
        call::Call,
        endpoint::{Endpoint, Request, Route},
        rank::Tokens,
    },
    keep::{FIELDS, Kept, keep, read_item},
};
use crate::{
    encoder::Text,
    fields::At,
    items::{Item, Space},
    limits::Limits,
    problem::{Problem, quote},
    prompts::behind,
    reply::Reply,
};

/// Items to keep.
pub(crate) struct Put {
    /// Never empty; all ids differ.
    items: Vec<Item>,
    /// The text of each item behind the prompt of documents.
    inputs: Vec<String>,
    space: Space,
}

#[derive(Serialize)]
struct Answer {
    /// How many items were put.
    items: usize,
    /// How many texts the model ran on.
    encoded: usize,
    /// Positions of the items among them whose text's end was cut off.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    truncated: Vec<usize>,
    usage: Tokens,
    took_ms: f64,
}

impl Endpoint for Put {
    fn route() -> Route {
        Route::put("/v1/items")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        let space = Space::of(request.model, request.dimensions()?);
        request.need_items()?;
        let mut fields = request.fields(&["items"])?;
        let items = read_items(fields.required("items")?, request.limits)?;
        let prompt = request.model.prompts.document();
        let inputs = items.iter().map(|item| behind(prompt, item.text.clone())).collect();
        Ok(Self { items, inputs, space })
    }

    fn inputs(&self) -> Vec<Text<'_>> {
        self.inputs.iter().map(|input| Text::single(input)).collect()
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let field = |index: usize| format!("items[{index}].text");
        let Kept { encoded, truncated, usage } = keep(call, &self.space, &self.items, &self.inputs, field)?;
        let answer = Answer {
            items: self.items.len(),
            encoded,
            truncated,
            usage: Tokens { tokens: usage.tokens },
            took_ms: call.took_ms(),
        };
        Reply::answer(&answer, usage)
    }
}

fn read_items(field: At, limits: &Limits) -> Result<Vec<Item>, Problem> {
    let path = field.path.clone();
    let entries = field.array("an array of {id, text, attributes, expires}", limits.max_candidates)?;
    if entries.is_empty() {
        return Err(Problem::empty(path, "no items; send at least one"));
    }
    let mut seen = BTreeMap::new();
    let mut items = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let path = format!("{}.id", entry.path);
        let item = read_item(entry.fields(&FIELDS)?, limits)?;
        if let Some(first) = seen.insert(item.id.clone(), index) {
            let detail = format!("{} is the id of items[{first}] already", quote(&item.id));
            return Err(Problem::invalid(path, detail));
        }
        items.push(item);
    }
    Ok(items)
}
