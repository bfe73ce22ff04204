//! `POST /rerank`, as text-embeddings-inference has it: texts in the order of their score against a
//! query. A cross-encoder scores pairs of query and text; an embedding model compares vectors.

use serde::Serialize;

use super::{
    call::Call,
    endpoint::{Endpoint, Request, Route},
};
use crate::{
    encoder::{Encoded, ModelKind, Text},
    exact::{norm, similarity},
    fields::Fields,
    foreign::read_truncation,
    problem::Problem,
    prompts::behind,
    rank::order,
    reply::{Reply, Usage},
    sigmoid::sigmoid,
    texts::{read_text, read_texts},
};

/// A query, and the texts to put in order.
pub(crate) struct Rerank {
    /// Behind the prompt of queries.
    query: String,
    /// Behind the prompt of documents; never empty.
    texts: Vec<String>,
    /// Bytes of the prompt before each of `texts`.
    prompt_bytes: usize,
    /// Whether the scores of a cross-encoder are logits; otherwise their sigmoid.
    raw_scores: bool,
    /// Whether the answer repeats the texts.
    return_text: bool,
    /// Whether a text that is too long is cut; otherwise it is refused.
    truncate: bool,
    /// How many of the best texts the answer has.
    top_n: usize,
    /// `logit = integer * logit_scale` for a cross-encoder; `None` for an embedding model.
    logit_scale: Option<f64>,
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
        match self.logit_scale {
            Some(_) => self.texts.iter().map(|text| Text::pair(&self.query, text)).collect(),
            None => std::iter::once(&self.query).chain(&self.texts).map(|text| Text::single(text)).collect(),
        }
    }

    fn items(&self) -> Vec<&str> {
        match self.logit_scale {
            Some(_) => Vec::new(),
            None => self.texts.iter().map(String::as_str).collect(),
        }
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let (scores, usage) = match self.logit_scale {
            Some(scale) => self.score_pairs(call, scale)?,
            None => self.score_vectors(call)?,
        };
        let mut best_first: Vec<usize> = (0..scores.len()).collect();
        best_first.sort_by(|&a, &b| order(&scores, a, b));
        let lines: Vec<Line<'_>> = best_first
            .into_iter()
            .take(self.top_n)
            .map(|index| Line {
                index,
                score: scores[index],
                text: self.return_text.then_some(&self.texts[index][self.prompt_bytes..]),
            })
            .collect();
        Reply::answer(&lines, usage)
    }
}

impl Rerank {
    /// Reads a request whose body was read already.
    pub(crate) fn of(request: &Request<'_>, mut fields: Fields) -> Result<Self, Problem> {
        let logit_scale = match &request.model.kind {
            ModelKind::Embedding { .. } => None,
            ModelKind::Classifier { labels, logit_scale, .. } if labels.len() == 1 => Some(*logit_scale),
            ModelKind::Classifier { .. } => {
                return Err(request.wrong_model("an embedding model or a classifier of one label"));
            }
        };
        let query = read_text(fields.required("query")?, request.limits)?;
        let texts = read_texts(fields.required("texts")?, "an array of strings", request.limits)?;
        let prompts = &request.model.prompts;
        let prompt = prompts.document();
        Ok(Self {
            query: behind(prompts.query(), query),
            texts: texts.into_iter().map(|text| behind(prompt, text)).collect(),
            prompt_bytes: prompt.len(),
            raw_scores: fields.bool("raw_scores", false)?,
            return_text: fields.bool("return_text", false)?,
            truncate: read_truncation(&mut fields, request.limits)?,
            top_n: fields
                .optional("top_n")
                .map_or(Ok(usize::MAX), |field| field.whole(1..=usize::MAX, "as many as there are texts"))?,
            logit_scale,
        })
    }

    /// Scores pairs of query and text by a cross-encoder.
    fn score_pairs(&self, call: &mut Call<'_>, scale: f64) -> Result<(Vec<f64>, Usage), Problem> {
        let (encoded, usage) = self.encode(call, |index| format!("texts[{index}]"))?;
        let score = |one: &Encoded| {
            let logit = f64::from(one.vector[0]) * scale;
            if self.raw_scores { logit } else { sigmoid(logit) }
        };
        Ok((encoded.iter().map(score).collect(), usage))
    }

    /// Scores each text by the cosine of its vector and the query's.
    fn score_vectors(&self, call: &mut Call<'_>) -> Result<(Vec<f64>, Usage), Problem> {
        let field = |input: usize| match input.checked_sub(1) {
            None => "query".to_owned(),
            Some(index) => format!("texts[{index}]"),
        };
        let (encoded, usage) = self.encode(call, field)?;
        let (query, texts) = encoded.split_at(1);
        let query = &query[0].vector;
        let score = |one: &Encoded| similarity(query, norm(query), &one.vector, norm(&one.vector));
        Ok((texts.iter().map(score).collect(), usage))
    }

    fn encode(
        &self,
        call: &mut Call<'_>,
        field: impl Fn(usize) -> String,
    ) -> Result<(Vec<Encoded>, Usage), Problem> {
        let inputs = self.inputs();
        if !self.truncate {
            call.refuse_long(&inputs, &field)?;
        }
        call.encode(&inputs, field)
    }
}
