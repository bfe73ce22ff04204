//! `POST /rerank`, as text-embeddings-inference has it: texts in the order of their score against a
//! query.

use serde::Serialize;

use super::{
    call::Call,
    comparison::{Comparison, best_first, read_top_n},
    endpoint::{Endpoint, Request, Route},
};
use crate::{
    encoder::Text, fields::Fields, foreign::read_truncation, problem::Problem, reply::Reply, texts::read_text,
};

/// A query, and the texts to put in order.
pub(crate) struct Rerank {
    comparison: Comparison,
    /// Whether the scores of a cross-encoder are logits; otherwise their sigmoid.
    raw_scores: bool,
    /// Whether the answer repeats the texts.
    return_text: bool,
    /// Whether a text that is too long is cut; otherwise it is refused.
    truncate: bool,
    /// How many of the best texts the answer has.
    top_n: usize,
}

/// One line of the answer.
#[derive(Serialize)]
struct Line<'a> {
    index: usize,
    score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

impl Endpoint for Rerank {
    fn route() -> Route {
        Route::post("/rerank")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        Self::of(request, request.open_fields()?)
    }

    fn inputs(&self) -> Vec<Text<'_>> {
        self.comparison.inputs()
    }

    fn items(&self) -> Vec<&str> {
        self.comparison.items()
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        if !self.truncate {
            self.comparison.refuse_long(call)?;
        }
        let (scores, usage) = self.comparison.scores(call, self.raw_scores)?;
        let line = |index: usize| Line {
            index,
            score: scores[index],
            text: self.return_text.then(|| self.comparison.text(index)),
        };
        let lines: Vec<Line<'_>> = best_first(&scores, self.top_n).map(line).collect();
        Reply::answer(&lines, usage)
    }
}

impl Rerank {
    /// Reads a request whose body was read already.
    pub(crate) fn of(request: &Request<'_>, mut fields: Fields) -> Result<Self, Problem> {
        let texts = ("texts", "an array of strings");
        Ok(Self {
            comparison: Comparison::read(request, &mut fields, texts, read_text)?,
            raw_scores: fields.bool("raw_scores", false)?,
            return_text: fields.bool("return_text", false)?,
            truncate: read_truncation(&mut fields, request.limits)?,
            top_n: read_top_n(&mut fields, "top_n")?,
        })
    }
}
