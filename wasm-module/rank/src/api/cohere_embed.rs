//! `POST /v2/embed` and `/v1/embed`, as Cohere has them: one unit vector for each text, in each of
//! the number formats that the request names.
//!
//! Without `embedding_types`, `/v1/embed` answers with a list of vectors, as its older clients
//! expect.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{
    call::Call,
    cohere_rerank::meta,
    embeddings::in_base64,
    endpoint::{Endpoint, Request, Route},
};
use crate::{
    encoder::Text,
    exact::unit_vector,
    fields::{At, Fields},
    foreign::{read_prompt, read_truncation, refuse_changes},
    json::Json,
    problem::{Problem, quote},
    prompts::behind,
    reply::Reply,
    texts::{read_non_empty, read_text},
};

/// Most entries of `embedding_types`: Cohere has six types.
const TYPES: usize = 6;

/// Texts to turn into vectors.
pub(crate) struct CohereEmbed {
    /// Behind the prompt of their role; never empty.
    texts: Vec<String>,
    /// Bytes of the prompt before each of `texts`.
    prompt_bytes: usize,
    /// The number formats of the answer; `None` for a list of vectors of floats.
    formats: Option<Vec<Format>>,
    /// `1` or `2`, after the path.
    version: &'static str,
    /// Whether a text that is too long is cut; otherwise it is refused.
    truncate: bool,
    /// How many numbers of each vector to send, from 1 to the model's dimensions.
    dimensions: usize,
}

/// A number format of vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// An array of `f32`.
    Float,
    /// Base64 of little-endian `f32`.
    Base64,
}

#[derive(Serialize)]
struct Answer<'a> {
    /// Always empty, so that equal requests get equal bytes. Cohere's client fails without it.
    id: &'static str,
    response_type: &'static str,
    embeddings: Vectors,
    texts: Vec<&'a str>,
    meta: Value,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Vectors {
    List(Vec<Vec<f32>>),
    ByType(BTreeMap<&'static str, Rows>),
}

/// The vectors in one number format.
#[derive(Serialize)]
#[serde(untagged)]
enum Rows {
    Float(Vec<Vec<f32>>),
    Base64(Vec<String>),
}

impl Endpoint for CohereEmbed {
    fn route() -> Route {
        Route::post("/v2/embed")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        let dimensions = request.dimensions()?;
        let version = if request.path.starts_with("/v1") { "1" } else { "2" };
        let mut fields = request.open_fields()?;
        let formats = read_formats(&mut fields)?;
        let dimensions = match fields.optional("output_dimension") {
            Some(field) => field.whole(1..=dimensions, "the model's dimensions")?,
            None => dimensions,
        };
        refuse_changes(&mut fields)?;
        for name in ["images", "inputs"] {
            if let Some(field) = fields.optional(name) {
                field.refuse_unless(&Json::Null)?;
            }
        }
        let prompt = read_prompt(&mut fields, &request.model.prompts)?;
        let wanted = "an array of strings";
        let texts = read_non_empty(fields.required("texts")?, wanted, request.limits.max_inputs)?
            .into_iter()
            .map(|entry| Ok(behind(prompt, read_text(entry, request.limits)?)))
            .collect::<Result<_, Problem>>()?;
        Ok(Self {
            texts,
            prompt_bytes: prompt.len(),
            formats: formats.or_else(|| (version == "2").then(|| vec![Format::Float])),
            version,
            truncate: read_truncation(&mut fields, request.limits)?,
            dimensions,
        })
    }

    fn inputs(&self) -> Vec<Text<'_>> {
        self.texts.iter().map(|text| Text::single(text)).collect()
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let inputs = self.inputs();
        let field = |index: usize| format!("texts[{index}]");
        if !self.truncate {
            call.refuse_long(&inputs, field)?;
        }
        let (encoded, usage) = call.encode(&inputs, field)?;
        let vectors: Vec<Vec<f32>> =
            encoded.iter().map(|one| unit_vector(&one.vector[..self.dimensions])).collect();
        let (response_type, embeddings) = match &self.formats {
            None => ("embeddings_floats", Vectors::List(vectors)),
            Some(formats) => {
                let by_type = formats.iter().map(|format| format.of(&vectors));
                ("embeddings_by_type", Vectors::ByType(by_type.collect()))
            }
        };
        let texts = self.texts.iter().map(|text| &text[self.prompt_bytes..]).collect();
        let answer = Answer { id: "", response_type, embeddings, texts, meta: meta(self.version, usage) };
        Reply::answer(&answer, usage)
    }
}

impl Format {
    /// Its name, and the vectors in it.
    fn of(self, vectors: &[Vec<f32>]) -> (&'static str, Rows) {
        match self {
            Self::Float => ("float", Rows::Float(vectors.to_vec())),
            Self::Base64 => ("base64", Rows::Base64(vectors.iter().map(|v| in_base64(v)).collect())),
        }
    }
}

/// Reads `embedding_types`.
fn read_formats(fields: &mut Fields) -> Result<Option<Vec<Format>>, Problem> {
    let Some(field) = fields.optional("embedding_types") else { return Ok(None) };
    let format = |entry: At| {
        let path = entry.path.clone();
        match entry.string()?.as_str() {
            "float" => Ok(Format::Float),
            "base64" => Ok(Format::Base64),
            other => {
                let detail = format!("expected \"float\" or \"base64\", got {}", quote(other));
                Err(Problem::invalid(path, detail))
            }
        }
    };
    let path = field.path.clone();
    let entries = field.array("an array of \"float\" and \"base64\"", TYPES)?;
    if entries.is_empty() {
        return Err(Problem::empty(path, "no number format; send \"float\" or \"base64\""));
    }
    entries.into_iter().map(format).collect::<Result<_, _>>().map(Some)
}
