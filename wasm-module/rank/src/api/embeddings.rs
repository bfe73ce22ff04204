//! `POST /v1/embeddings`, as OpenAI has it: one unit vector for each text, as numbers or base64.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;

use super::{
    call::Call,
    endpoint::{Endpoint, Request, Route},
};
use crate::{
    encoder::Text,
    exact::unit_vector,
    fields::At,
    problem::{Problem, quote},
    prompts::behind,
    reply::Reply,
    texts::{read_dimensions, read_inputs},
};

/// Texts to turn into vectors of length 1.
pub(crate) struct Embeddings {
    /// Behind the model's default prompt; never empty.
    inputs: Vec<String>,
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
        let known = ["input", "model", "encoding_format", "dimensions", "user"];
        let mut fields = request.fields(&known)?;
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
        let inputs = read_inputs(fields.required("input")?, request.limits)?;
        let inputs = inputs.into_iter().map(|text| behind(request.model.prompts.any(), text)).collect();
        let dimensions = read_dimensions(&mut fields, dimensions)?;
        Ok(Self { inputs, dimensions, base64 })
    }

    fn texts(&self) -> Vec<&str> {
        self.inputs.iter().map(String::as_str).collect()
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let texts: Vec<Text<'_>> = self.inputs.iter().map(|text| Text::single(text)).collect();
        let field = |index: usize| match texts.len() {
            1 => "input".to_owned(),
            _ => format!("input[{index}]"),
        };
        let (encoded, usage) = call.encode(&texts, field)?;
        let vectors = encoded.iter().map(|one| unit_vector(&one.vector[..self.dimensions]));
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
    if !base64 {
        return Numbers::Array(vector);
    }
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    Numbers::Base64(STANDARD.encode(bytes))
}
