//! `POST /v1/embeddings`, as OpenAI has it: one unit vector for each text, as numbers or base64.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::{
    call::Call,
    endpoint::{Endpoint, Request, Route},
};
use crate::{
    encoder::Text,
    exact::{scaled_vector, unit_vector},
    fields::At,
    foreign::{read_prompt, read_token_limit, read_truncation, refuse_changes},
    inputs::{Input, read_inputs},
    problem::{Problem, quote},
    reply::Reply,
    texts::read_dimensions,
};

/// Texts to turn into vectors.
pub(crate) struct Embeddings {
    /// Behind the prompt of the request; never empty.
    inputs: Vec<Input>,
    /// Whether a text that is too long is cut; otherwise it is refused.
    truncate: bool,
    /// Inputs of more tokens are refused, because they would have to be cut here.
    token_limit: Option<usize>,
    /// Whether the vectors get length 1; otherwise they keep the model's unit.
    normalize: bool,
    /// How many numbers of each vector to send, from 1 to the model's dimensions.
    dimensions: usize,
    /// Whether a vector is sent as base64 of little-endian `f32`; otherwise as an array of numbers.
    base64: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    object: &'static str,
    data: Vec<Embedding>,
    model: &'a str,
    usage: Tokens,
}

#[derive(Serialize)]
struct Embedding {
    object: &'static str,
    embedding: Numbers,
    index: usize,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Numbers {
    Array(Vec<f32>),
    /// Of little-endian `f32`.
    Base64(String),
}

#[derive(Serialize)]
struct Tokens {
    prompt_tokens: usize,
    total_tokens: usize,
}

impl Endpoint for Embeddings {
    fn route() -> Route {
        Route::post("/v1/embeddings")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        let dimensions = request.dimensions()?;
        let mut fields = request.open_fields()?;
        refuse_changes(&mut fields)?;
        // OpenAI's clients send `model` and `user`. The service has one model and ignores both.
        for name in ["model", "user"] {
            fields.optional(name).map(At::string).transpose()?;
        }
        let base64 = fields.optional("encoding_format").map_or(Ok(false), |field| {
            let path = field.path.clone();
            match field.string()?.as_str() {
                "float" => Ok(false),
                "base64" => Ok(true),
                other => {
                    let detail = format!("expected \"float\" or \"base64\", got {}", quote(other));
                    Err(Problem::invalid(path, detail))
                }
            }
        })?;
        let prompt = read_prompt(&mut fields, &request.model.prompts)?;
        let inputs = read_inputs(fields.required("input")?, prompt, request.limits, request.model)?;
        Ok(Self {
            inputs,
            truncate: read_truncation(&mut fields, request.limits)?,
            token_limit: read_token_limit(&mut fields, "truncate_prompt_tokens")?,
            normalize: fields.bool("normalize", true)?,
            dimensions: read_dimensions(&mut fields, dimensions)?,
            base64,
        })
    }

    fn inputs(&self) -> Vec<Text<'_>> {
        self.inputs.iter().map(Input::text).collect()
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let field = |index: usize| match self.inputs.len() {
            1 => "input".to_owned(),
            _ => format!("input[{index}]"),
        };
        let inputs = self.inputs();
        if !self.truncate {
            call.refuse_long(&inputs, field)?;
        }
        if let Some(limit) = self.token_limit {
            call.refuse_beyond(limit, &inputs, field)?;
        }
        let (encoded, usage) = call.encode(&inputs, field)?;
        let scale = call.model().vector_scale;
        let vectors = encoded.iter().map(|one| {
            let vector = &one.vector[..self.dimensions];
            if self.normalize { unit_vector(vector) } else { scaled_vector(vector, scale) }
        });
        let answer = Answer {
            object: "list",
            data: vectors
                .enumerate()
                .map(|(index, vector)| Embedding {
                    object: "embedding",
                    embedding: numbers(vector, self.base64),
                    index,
                })
                .collect(),
            model: &call.model().model_id,
            usage: Tokens { prompt_tokens: usage.tokens, total_tokens: usage.tokens },
        };
        Reply::answer(&answer, usage)
    }
}

fn numbers(vector: Vec<f32>, base64: bool) -> Numbers {
    if base64 { Numbers::Base64(in_base64(&vector)) } else { Numbers::Array(vector) }
}

/// Base64 of the numbers in little-endian order.
pub(super) fn in_base64(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}
