//! From a method, a path and a body to a status and a body.

use serde_json::json;

use crate::{
    answer::{self, Because, EmbeddingsAnswer, EncodeAnswer, Item, RankAnswer, Reranked, Tokens, Truncated},
    encoder::{Encoded, ModelKind, Text, TextEncoder},
    exact::{dot, scaled_vector, similarity, unit_vector},
    job::{Job, Task},
    json::parse,
    limits::Limits,
    problem::{Problem, quote},
    rank::{self, Scored},
    reply::{Reply, Usage, written},
    request::{EmbedRequest, EmbeddingsRequest, EncodeRequest, Person, RankRequest, RerankRequest},
    sigmoid::sigmoid,
};

/// Milliseconds since any fixed moment; used for `took_ms` alone.
pub type Clock = fn() -> f64;

/// Answers requests with one model.
#[derive(Debug)]
pub struct Service<E> {
    encoder: E,
    limits: Limits,
    clock: Clock,
}

/// A path and the method it takes.
const ROUTES: [(&str, &str); 7] = [
    ("/v1/rank", "POST"),
    ("/embed", "POST"),
    ("/rerank", "POST"),
    ("/v1/embeddings", "POST"),
    ("/lockstep/encode", "POST"),
    ("/info", "GET"),
    ("/health", "GET"),
];

impl<E: TextEncoder> Service<E> {
    /// A service around a model that is ready to run.
    pub fn new(encoder: E, limits: Limits, clock: Clock) -> Self {
        Self { encoder, limits, clock }
    }

    /// The model.
    pub fn encoder(&self) -> &E {
        &self.encoder
    }

    /// How much one request may ask for.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The model.
    pub fn encoder_mut(&mut self) -> &mut E {
        &mut self.encoder
    }

    /// Answers one request. `path` may carry a query, which is ignored; `HEAD` is answered as
    /// `GET`, and leaving the body out is the transport's part.
    pub fn handle(&mut self, method: &str, path: &str, body: &[u8]) -> Reply {
        match self.read(method, path, body) {
            Ok(job) => self.run(&job),
            Err(reply) => reply,
        }
    }

    /// Reads and validates a request, without running the model.
    ///
    /// # Errors
    ///
    /// The refusal of a request that is not valid.
    pub fn read(&self, method: &str, path: &str, body: &[u8]) -> Result<Job, Reply> {
        let started = (self.clock)();
        match self.task(method, path, body) {
            Ok(task) => Ok(Job { started, task }),
            Err(problem) => Err(Reply::refusal(&problem)),
        }
    }

    fn task(&self, method: &str, path: &str, body: &[u8]) -> Result<Task, Problem> {
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let Some(&(path, allowed)) = ROUTES.iter().find(|(route, _)| *route == path) else {
            return Err(Problem::NotFound {
                path: quote(path),
                known: ROUTES.map(|(route, _)| route).join(", "),
            });
        };
        if method != allowed && !(method == "HEAD" && allowed == "GET") {
            return Err(Problem::Method { path: path.to_owned(), method: quote(method), allowed });
        }
        let limits = &self.limits;
        Ok(match path {
            "/v1/rank" => {
                self.dimensions(path)?;
                Task::Rank(RankRequest::read(parse(body, limits)?, limits)?)
            }
            "/embed" => {
                let dimensions = self.dimensions(path)?;
                Task::Embed(EmbedRequest::read(parse(body, limits)?, limits, dimensions)?)
            }
            "/v1/embeddings" => {
                let dimensions = self.dimensions(path)?;
                Task::Embeddings(EmbeddingsRequest::read(parse(body, limits)?, limits, dimensions)?)
            }
            "/rerank" => {
                self.pair_scale()?;
                Task::Rerank(RerankRequest::read(parse(body, limits)?, limits)?)
            }
            "/lockstep/encode" => Task::Encode(EncodeRequest::read(parse(body, limits)?, limits)?),
            "/info" => Task::Info,
            _ => Task::Health,
        })
    }

    /// Answers a request that [`Self::read`] gave.
    pub fn run(&mut self, job: &Job) -> Reply {
        let answer = match &job.task {
            Task::Rank(request) => self.rank(request, job.started),
            Task::Embed(request) => self.embed(request),
            Task::Embeddings(request) => self.embeddings(request),
            Task::Rerank(request) => self.rerank(request),
            Task::Encode(request) => self.encode(request),
            Task::Info => {
                let info = answer::info(self.encoder.info(), &self.limits);
                written(&info, Usage::default())
            }
            Task::Health => written(&json!({ "status": "ok" }), Usage::default()),
        };
        match answer {
            Ok((body, usage)) => Reply { status: 200, body, usage },
            Err(problem) => Reply::refusal(&problem),
        }
    }

    fn rank(&mut self, request: &RankRequest, started: f64) -> Result<(String, Usage), Problem> {
        let history = match &request.person {
            Person::Given(history) => history,
            Person::Stored(id) => {
                let detail = format!("no histories are kept here, so {} is unknown; send history", quote(id));
                return Err(Problem::invalid("user.id", detail));
            }
        };
        let candidates = &request.candidates;
        let field = |input: usize| match history.get(input) {
            Some(entry) => format!("user.history[{}].text", entry.index),
            None => format!("candidates[{}].text", input.saturating_sub(history.len())),
        };
        let texts = history.iter().map(|entry| &entry.text);
        let texts: Vec<Text<'_>> = texts
            .chain(candidates.iter().map(|candidate| &candidate.text))
            .map(|text| Text::single(text))
            .collect();
        let (encoded, usage) = self.evaluate(&texts, field)?;

        let (liked, offered) = encoded.split_at(history.len());
        let norms: Vec<i128> = encoded.iter().map(norm).collect();
        let (liked_norms, offered_norms) = norms.split_at(history.len());
        let weights: Vec<f64> = history.iter().map(|entry| entry.weight).collect();
        let scored: Vec<Scored> = offered
            .iter()
            .zip(offered_norms)
            .map(|(offered, &offered_norm)| {
                let similarities: Vec<f64> = liked
                    .iter()
                    .zip(liked_norms)
                    .map(|(liked, &liked_norm)| {
                        similarity(&offered.vector, offered_norm, &liked.vector, liked_norm)
                    })
                    .collect();
                rank::score(&similarities, &weights)
            })
            .collect();

        let scores: Vec<f64> = scored.iter().map(|scored| scored.score).collect();
        let chosen = rank::diversify(&scores, request.top_n, request.diversity, |a, b| {
            similarity(&offered[a].vector, offered_norms[a], &offered[b].vector, offered_norms[b])
        });
        let items = chosen
            .into_iter()
            .map(|index| Item {
                id: &candidates[index].id,
                index,
                score: scores[index],
                because: request.explain.then(|| {
                    let because = scored[index].because.iter();
                    because
                        .map(|reason| Because {
                            history: history[reason.history].index,
                            similarity: reason.similarity,
                        })
                        .collect()
                }),
            })
            .collect();

        let cut = |encoded: &[Encoded]| -> Vec<usize> {
            let cut = encoded.iter().enumerate().filter(|(_, one)| one.truncated);
            cut.map(|(index, _)| index).collect()
        };
        let truncated = Truncated {
            history: cut(liked).into_iter().map(|at| history[at].index).collect(),
            candidates: cut(offered),
        };
        let model = self.encoder.info();
        let answer = RankAnswer {
            model: &model.model_id,
            model_digest: &model.model_digest,
            backend: &model.backend,
            items,
            truncated,
            usage: Tokens { tokens: usage.tokens },
            took_ms: elapsed(started, (self.clock)()),
        };
        written(&answer, usage)
    }

    fn embed(&mut self, request: &EmbedRequest) -> Result<(String, Usage), Problem> {
        let texts: Vec<Text<'_>> = request.inputs.iter().map(|text| Text::single(text)).collect();
        let field = |index: usize| format!("inputs[{index}]");
        if !request.truncate {
            self.refuse_long(&texts, field)?;
        }
        let (encoded, usage) = self.evaluate(&texts, field)?;
        let scale = self.encoder.info().vector_scale;
        let vectors: Vec<Vec<f32>> = encoded
            .iter()
            .map(|one| {
                let vector = &one.vector[..request.dimensions];
                if request.normalize { unit_vector(vector) } else { scaled_vector(vector, scale) }
            })
            .collect();
        written(&vectors, usage)
    }

    fn embeddings(&mut self, request: &EmbeddingsRequest) -> Result<(String, Usage), Problem> {
        let texts: Vec<Text<'_>> = request.inputs.iter().map(|text| Text::single(text)).collect();
        let field = |index: usize| match texts.len() {
            1 => "input".to_owned(),
            _ => format!("input[{index}]"),
        };
        let (encoded, usage) = self.evaluate(&texts, field)?;
        let vectors = encoded.iter().map(|one| unit_vector(&one.vector[..request.dimensions]));
        let model = &self.encoder.info().model_id;
        written(&EmbeddingsAnswer::new(model, vectors, request.base64, usage.tokens), usage)
    }

    fn rerank(&mut self, request: &RerankRequest) -> Result<(String, Usage), Problem> {
        let logit_scale = self.pair_scale()?;
        let texts = request.texts.iter();
        let (scores, usage) = if let Some(scale) = logit_scale {
            let pairs: Vec<Text<'_>> = texts.map(|text| Text::pair(&request.query, text)).collect();
            let field = |index: usize| format!("texts[{index}]");
            if !request.truncate {
                self.refuse_long(&pairs, field)?;
            }
            let (encoded, usage) = self.evaluate(&pairs, field)?;
            let score = |one: &Encoded| {
                let logit = f64::from(one.vector[0]) * scale;
                if request.raw_scores { logit } else { sigmoid(logit) }
            };
            (encoded.iter().map(score).collect::<Vec<f64>>(), usage)
        } else {
            let texts: Vec<Text<'_>> =
                std::iter::once(&request.query).chain(texts).map(|text| Text::single(text)).collect();
            let field = |input: usize| match input.checked_sub(1) {
                None => "query".to_owned(),
                Some(index) => format!("texts[{index}]"),
            };
            if !request.truncate {
                self.refuse_long(&texts, field)?;
            }
            let (encoded, usage) = self.evaluate(&texts, field)?;
            let (query, texts) = encoded.split_at(1);
            let score = |one: &Encoded| similarity(&query[0].vector, norm(&query[0]), &one.vector, norm(one));
            (texts.iter().map(score).collect(), usage)
        };

        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| rank::order(&scores, a, b));
        let lines: Vec<Reranked<'_>> = order
            .into_iter()
            .map(|index| Reranked {
                index,
                score: scores[index],
                text: request.return_text.then_some(request.texts[index].as_str()),
            })
            .collect();
        written(&lines, usage)
    }

    fn encode(&mut self, request: &EncodeRequest) -> Result<(String, Usage), Problem> {
        let texts: Vec<Text<'_>> =
            request.inputs.iter().map(|(text, pair)| Text { text, pair: pair.as_deref() }).collect();
        let (encoded, usage) = self.evaluate(&texts, |index| format!("inputs[{index}]"))?;
        let answer = EncodeAnswer {
            tokens: encoded.iter().map(|one| one.tokens).collect(),
            truncated: encoded.iter().map(|one| one.truncated).collect(),
            vectors: encoded.into_iter().map(|one| one.vector).collect(),
        };
        written(&answer, usage)
    }

    /// What turns the integer of a cross-encoder into a logit; `None` for an embedding model.
    fn pair_scale(&self) -> Result<Option<f64>, Problem> {
        match &self.encoder.info().kind {
            ModelKind::Embedding { .. } => Ok(None),
            ModelKind::Classifier { labels, logit_scale } if labels.len() == 1 => Ok(Some(*logit_scale)),
            ModelKind::Classifier { .. } => {
                let needed = "an embedding model or a classifier of one label";
                Err(self.wrong_model("/rerank", needed))
            }
        }
    }

    /// The length of a vector, where the model is one that gives vectors.
    fn dimensions(&self, path: &'static str) -> Result<usize, Problem> {
        match self.encoder.info().kind {
            ModelKind::Embedding { dimensions } => Ok(dimensions),
            ModelKind::Classifier { .. } => Err(self.wrong_model(path, "an embedding model")),
        }
    }

    fn wrong_model(&self, path: &'static str, needed: &'static str) -> Problem {
        let model = self.encoder.info();
        Problem::WrongModel {
            path,
            needed,
            model: model.model_id.clone(),
            is: match &model.kind {
                ModelKind::Embedding { .. } => "an embedding model".to_owned(),
                ModelKind::Classifier { labels, .. } => {
                    format!("a classifier with {} labels", labels.len())
                }
            },
        }
    }

    /// Refuses the first text that would have to be cut.
    fn refuse_long(&mut self, texts: &[Text<'_>], field: impl Fn(usize) -> String) -> Result<(), Problem> {
        let limit = self.encoder.info().max_input_length;
        for (index, text) in texts.iter().enumerate() {
            let tokens = self
                .encoder
                .count_tokens(*text)
                .map_err(|error| Problem::from_encoder(error, |_| field(index)))?;
            if tokens > limit {
                let detail = format!(
                    "{tokens} tokens, the model takes {limit}; send \"truncate\": true to cut the text"
                );
                return Err(Problem::invalid(field(index), detail));
            }
        }
        Ok(())
    }

    /// Runs the model and checks that what comes back has the promised shape.
    fn evaluate(
        &mut self,
        texts: &[Text<'_>],
        field: impl Fn(usize) -> String,
    ) -> Result<(Vec<Encoded>, Usage), Problem> {
        let encoded = self.encoder.encode(texts).map_err(|error| Problem::from_encoder(error, field))?;
        let length = match &self.encoder.info().kind {
            ModelKind::Embedding { dimensions } => *dimensions,
            ModelKind::Classifier { labels, .. } => labels.len(),
        };
        if encoded.len() != texts.len() {
            let (found, wanted) = (encoded.len(), texts.len());
            let text = format!("the model failed: {found} vectors for {wanted} texts");
            return Err(Problem::Backend(text));
        }
        if let Some(one) = encoded.iter().find(|one| one.vector.len() != length) {
            let found = one.vector.len();
            let text = format!("the model failed: a vector of {found} integers instead of {length}");
            return Err(Problem::Backend(text));
        }
        let usage = Usage {
            tokens: encoded.iter().map(|one| one.tokens).sum(),
            truncated: encoded.iter().filter(|one| one.truncated).count(),
        };
        Ok((encoded, usage))
    }
}

fn norm(encoded: &Encoded) -> i128 {
    dot(&encoded.vector, &encoded.vector)
}

/// Whole microseconds between two readings, in milliseconds; 0 where the clock is not to be
/// trusted.
fn elapsed(started: f64, ended: f64) -> f64 {
    let took = ended - started;
    if took.is_finite() && took > 0.0 { (took * 1000.0).round() / 1000.0 } else { 0.0 }
}
