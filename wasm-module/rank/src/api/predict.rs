//! `POST /predict`, as text-embeddings-inference has it: the labels of a classifier with their
//! scores, the best first.
//!
//! | `inputs` | answer |
//! |---|---|
//! | `"a"`, `["a"]` | the labels of one text |
//! | `["a", "b"]` | the labels of a pair |
//! | `[["a"], ["a", "b"]]` | a list for each text or pair |

use serde::Serialize;

use super::{
    call::Call,
    endpoint::{Endpoint, Request, Route},
};
use crate::{
    encoder::{Encoded, ModelKind, Text},
    fields::{At, Fields},
    foreign::read_truncation,
    label_scores::{LabelScores, logits},
    limits::Limits,
    problem::{Problem, quote},
    rank::order,
    reply::Reply,
    texts::{read_non_empty, read_text},
};

/// A text, or a pair of texts.
type Input = (String, Option<String>);

/// Texts and pairs to classify.
pub(crate) struct Predict {
    /// Never empty.
    inputs: Vec<Input>,
    /// Whether the answer has a list for each input.
    batch: bool,
    /// From logits to scores.
    scores: LabelScores,
    /// How many of the best labels the answer has.
    top_k: usize,
    /// Whether a text that is too long is cut; otherwise it is refused.
    truncate: bool,
    labels: Vec<String>,
    /// `logit = integer * logit_scale`
    logit_scale: f64,
}

#[derive(Serialize)]
struct Prediction<'a> {
    score: f64,
    label: &'a str,
}

impl Endpoint for Predict {
    fn route() -> Route {
        Route::post("/predict")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        Self::of(request, request.open_fields()?.with_parameters()?)
    }

    fn inputs(&self) -> Vec<Text<'_>> {
        self.inputs.iter().map(Text::of).collect()
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let inputs = self.inputs();
        let field = |index: usize| if self.batch { format!("inputs[{index}]") } else { "inputs".to_owned() };
        if !self.truncate {
            call.refuse_long(&inputs, field)?;
        }
        let (encoded, usage) = call.encode(&inputs, field)?;
        let mut answers: Vec<_> = encoded.iter().map(|one| self.predictions(one)).collect();
        if self.batch { Reply::answer(&answers, usage) } else { Reply::answer(&answers.remove(0), usage) }
    }
}

impl Predict {
    /// Reads a request whose body was read already.
    pub(crate) fn of(request: &Request<'_>, mut fields: Fields) -> Result<Self, Problem> {
        let ModelKind::Classifier { labels, logit_scale, scores } = &request.model.kind else {
            return Err(request.wrong_model("a classifier"));
        };
        let (inputs, batch) = read_inputs(fields.required("inputs")?, request.limits)?;
        Ok(Self {
            inputs,
            batch,
            scores: read_scores(&mut fields, *scores)?,
            top_k: fields
                .optional("top_k")
                .map_or(Ok(usize::MAX), |field| field.whole(1..=usize::MAX, "as many as there are labels"))?,
            truncate: read_truncation(&mut fields, request.limits)?,
            labels: labels.clone(),
            logit_scale: *logit_scale,
        })
    }

    /// The same request with an answer that has a list for each input, even for one.
    pub(crate) fn in_a_list(self) -> Self {
        Self { batch: true, ..self }
    }

    fn predictions(&self, encoded: &Encoded) -> Vec<Prediction<'_>> {
        let logits = logits(&encoded.vector, self.logit_scale);
        let scores = self.scores.of(&logits);
        let mut best_first: Vec<usize> = (0..scores.len()).collect();
        best_first.sort_by(|&a, &b| order(&logits, a, b));
        let predictions =
            best_first.into_iter().map(|at| Prediction { score: scores[at], label: &self.labels[at] });
        predictions.take(self.top_k).collect()
    }
}

/// Reads the inputs, and whether they are a batch.
fn read_inputs(field: At, limits: &Limits) -> Result<(Vec<Input>, bool), Problem> {
    let path = field.path.clone();
    if field.is_string() {
        let text = read_text(field, limits)?;
        if text.is_empty() {
            return Err(Problem::empty(path, "the text is \"\"; send one, or a batch of texts"));
        }
        return Ok((vec![(text, None)], false));
    }
    let wanted = "a string, a pair of strings, or an array of arrays of one or two strings";
    let entries = read_non_empty(field, wanted, limits.max_inputs)?;
    if entries[0].is_array() {
        let wanted = "an array of one or two strings";
        let read =
            |entry: At| read_texts(entry.path.clone(), entry.array(wanted, limits.max_inputs)?, limits);
        return Ok((entries.into_iter().map(read).collect::<Result<_, _>>()?, true));
    }
    Ok((vec![read_texts(path, entries, limits)?], false))
}

/// Reads one text or two.
fn read_texts(path: String, texts: Vec<At>, limits: &Limits) -> Result<Input, Problem> {
    let count = texts.len();
    let mut texts = texts.into_iter();
    match (texts.next(), texts.next(), texts.next()) {
        (Some(text), None, _) => Ok((read_text(text, limits)?, None)),
        (Some(text), Some(pair), None) => Ok((read_text(text, limits)?, Some(read_text(pair, limits)?))),
        _ => {
            let detail = format!(
                "expected one text or a pair, got {count} texts; a batch is an array of arrays, [[\"a\"], [\"b\"]]"
            );
            Err(Problem::invalid(path, detail))
        }
    }
}

/// Reads `raw_scores` of text-embeddings-inference, and `function_to_apply` of Hugging Face.
/// `usual` is the model's own function.
fn read_scores(fields: &mut Fields, usual: LabelScores) -> Result<LabelScores, Problem> {
    if fields.bool("raw_scores", false)? {
        return Ok(LabelScores::Logits);
    }
    let Some(field) = fields.optional("function_to_apply") else { return Ok(usual) };
    let path = field.path.clone();
    let name = field.string()?;
    LabelScores::named(&name).ok_or_else(|| {
        Problem::invalid(path, format!("expected softmax, sigmoid or none, got {}", quote(&name)))
    })
}
