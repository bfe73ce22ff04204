//! A query and texts, and a score of each text against the query. A cross-encoder scores pairs of
//! query and text; an embedding model compares vectors.

use super::{call::Call, endpoint::Request};
use crate::{
    compact::Compact,
    encoder::{Encoded, ModelKind, Text},
    fields::{At, Fields},
    limits::Limits,
    problem::Problem,
    prompts::behind,
    rank::order,
    reply::Usage,
    sigmoid::sigmoid,
    texts::{read_non_empty, read_text},
};

/// A query, and the texts to score against it.
pub(super) struct Comparison {
    /// Behind the prompt of queries.
    query: String,
    /// Behind the prompt of documents; never empty.
    texts: Vec<String>,
    /// Bytes of the prompt before each of `texts`.
    prompt_bytes: usize,
    /// The request's field that has the texts.
    field: &'static str,
    /// `logit = integer * logit_scale` for a cross-encoder; `None` for an embedding model.
    logit_scale: Option<f64>,
}

impl Comparison {
    /// Reads the fields `query` and `field`, an array of which `read` reads each entry. Error
    /// messages describe the type of the array as `wanted`.
    pub(super) fn read(
        request: &Request<'_>,
        fields: &mut Fields,
        (field, wanted): (&'static str, &str),
        read: fn(At, &Limits) -> Result<String, Problem>,
    ) -> Result<Self, Problem> {
        let logit_scale = match &request.model.kind {
            ModelKind::Embedding { .. } => None,
            ModelKind::Classifier { labels, logit_scale, .. } if labels.len() == 1 => Some(*logit_scale),
            ModelKind::Classifier { .. } => {
                return Err(request.wrong_model("an embedding model or a classifier of one label"));
            }
        };
        let limits = request.limits;
        let query = read_text(fields.required("query")?, limits)?;
        let prompts = &request.model.prompts;
        let prompt = prompts.document();
        let texts = read_non_empty(fields.required(field)?, wanted, limits.max_inputs)?
            .into_iter()
            .map(|entry| Ok(behind(prompt, read(entry, limits)?)))
            .collect::<Result<_, Problem>>()?;
        let query = behind(prompts.query(), query);
        Ok(Self { query, texts, prompt_bytes: prompt.len(), field, logit_scale })
    }

    /// All inputs of the model.
    pub(super) fn inputs(&self) -> Vec<Text<'_>> {
        match self.logit_scale {
            Some(_) => self.texts.iter().map(|text| Text::pair(&self.query, text)).collect(),
            None => std::iter::once(&self.query).chain(&self.texts).map(|text| Text::single(text)).collect(),
        }
    }

    /// The texts whose vectors are worth storing.
    pub(super) fn items(&self) -> Vec<&str> {
        match self.logit_scale {
            Some(_) => Vec::new(),
            None => self.texts.iter().map(String::as_str).collect(),
        }
    }

    /// Text `index`, as the request has it.
    pub(super) fn text(&self, index: usize) -> &str {
        &self.texts[index][self.prompt_bytes..]
    }

    /// Refuses the first input that is longer than the model's input.
    pub(super) fn refuse_long(&self, call: &mut Call<'_>) -> Result<(), Problem> {
        call.refuse_long(&self.inputs(), |input| self.name(input))
    }

    /// Refuses the first text of more than `limit` tokens that the model would read beyond them.
    pub(super) fn refuse_beyond(&self, call: &mut Call<'_>, limit: usize) -> Result<(), Problem> {
        let texts: Vec<Text<'_>> = self.texts.iter().map(|text| Text::single(text)).collect();
        call.refuse_beyond(limit, &texts, |index| format!("{}[{index}]", self.field))
    }

    /// The score of each text: of an embedding model the cosine of its vector and the query's, of a
    /// cross-encoder the logit of the pair (`raw`) or the logit's sigmoid.
    pub(super) fn scores(&self, call: &mut Call<'_>, raw: bool) -> Result<(Vec<f64>, Usage), Problem> {
        let (encoded, usage) = call.encode(&self.inputs(), |input| self.name(input))?;
        let scores = match self.logit_scale {
            Some(scale) => {
                let score = |one: &Encoded| {
                    let logit = f64::from(one.vector[0]) * scale;
                    if raw { logit } else { sigmoid(logit) }
                };
                encoded.iter().map(score).collect()
            }
            None => Compact::of(&encoded).similarities(0, 1..encoded.len()),
        };
        Ok((scores, usage))
    }

    /// The request's field of one of [`Self::inputs`].
    fn name(&self, input: usize) -> String {
        match (self.logit_scale, input.checked_sub(1)) {
            (Some(_), _) => format!("{}[{input}]", self.field),
            (None, None) => "query".to_owned(),
            (None, Some(index)) => format!("{}[{index}]", self.field),
        }
    }
}

/// The indices of the `top_n` best scores, the best first.
pub(super) fn best_first(scores: &[f64], top_n: usize) -> impl Iterator<Item = usize> {
    let mut best_first: Vec<usize> = (0..scores.len()).collect();
    best_first.sort_by(|&a, &b| order(scores, a, b));
    best_first.into_iter().take(top_n)
}

/// Reads how many of the best texts a client wants; without the field, all of them.
pub(super) fn read_top_n(fields: &mut Fields, name: &str) -> Result<usize, Problem> {
    let field = fields.optional(name);
    field.map_or(Ok(usize::MAX), |field| field.whole(1..=usize::MAX, "as many as there are texts"))
}
