//! `POST /v1/items/bulk`: an item on each line, as JSON, and a line of the answer for each of them.
//! A line that is wrong spoils no other. Blank lines count as lines and get no answer.

use serde_json::{Value, json};

use super::{
    super::{
        call::Call,
        endpoint::{Endpoint, Request, Route},
    },
    keep::{FIELDS, keep, read_item},
};
use crate::{
    encoder::Text,
    fields::At,
    items::{Item, Space},
    json::parse,
    limits::Limits,
    problem::Problem,
    prompts::behind,
    reply::Reply,
};

/// Items to keep, and lines that are none.
pub(crate) struct Bulk {
    /// What each line is, in order.
    lines: Vec<Line>,
    /// The items of the lines that have one. Of two items with one id the later one stays.
    items: Vec<Item>,
    /// The text of each item behind the prompt of documents.
    inputs: Vec<String>,
    space: Space,
}

/// A line that is not blank.
struct Line {
    /// Its number, from 1.
    number: usize,
    /// Its place among the items, or why it is none.
    item: Result<usize, Problem>,
}

impl Endpoint for Bulk {
    fn route() -> Route {
        Route::post("/v1/items/bulk")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        let space = Space::of(request.model, request.dimensions()?);
        request.need_items()?;
        let limits = request.limits;
        let prompt = request.model.prompts.document();
        let mut bulk = Self { lines: Vec::new(), items: Vec::new(), inputs: Vec::new(), space };
        let each = request.body.split(|&byte| byte == b'\n').zip(1..);
        for (line, number) in each.filter(|(line, _)| !line.trim_ascii().is_empty()) {
            if bulk.lines.len() == limits.max_candidates {
                let (field, amount) = ("body".to_owned(), limits.max_candidates + 1);
                let (unit, limit) = ("lines up to here", limits.max_candidates);
                return Err(Problem::TooLarge { field, amount, unit, limit });
            }
            let item = read_line(line, limits).map(|item| {
                bulk.inputs.push(behind(prompt, item.text.clone()));
                bulk.items.push(item);
                bulk.items.len() - 1
            });
            bulk.lines.push(Line { number, item });
        }
        if bulk.lines.is_empty() {
            return Err(Problem::empty("body", "no lines; send an item on each line"));
        }
        Ok(bulk)
    }

    fn inputs(&self) -> Vec<Text<'_>> {
        self.inputs.iter().map(|input| Text::single(input)).collect()
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let numbers: Vec<usize> =
            self.lines.iter().filter(|line| line.item.is_ok()).map(|line| line.number).collect();
        let field = |index: usize| format!("line {}: text", numbers[index]);
        let kept = keep(call, &self.space, &self.items, &self.inputs, field)?;
        let answer = |line: &Line| -> Value {
            match &line.item {
                Ok(index) => {
                    let (id, truncated) = (&self.items[*index].id, kept.truncated.contains(index));
                    json!({ "line": line.number, "status": 200, "id": id, "truncated": truncated })
                }
                Err(problem) => json!({
                    "line": line.number, "status": problem.status(), "error": problem.to_string(),
                    "error_type": problem.error_type(),
                }),
            }
        };
        let body = self.lines.iter().map(|line| format!("{}\n", answer(line))).collect();
        Ok(Reply::lines(body, kept.usage))
    }
}

fn read_line(line: &[u8], limits: &Limits) -> Result<Item, Problem> {
    read_item(At::body(parse(line, limits)?, &FIELDS)?, limits)
}
