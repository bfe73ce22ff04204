//! `POST /embed`, as text-embeddings-inference has it: one vector of `f32` for each text.

use super::{
    call::Call,
    endpoint::{Endpoint, Request, Route},
};
use crate::{
    encoder::Text,
    exact::{scaled_vector, unit_vector},
    problem::Problem,
    prompts::behind,
    reply::Reply,
    texts::{read_dimensions, read_inputs, read_prompt, read_truncation},
};

/// Texts to turn into vectors.
pub(crate) struct Embed {
    /// Behind the prompt of the request; never empty.
    inputs: Vec<String>,
    /// Whether a text that is too long is cut; otherwise it is refused.
    truncate: bool,
    /// Whether the vectors get length 1; otherwise they keep the model's unit.
    normalize: bool,
    /// How many numbers of each vector to send, from 1 to the model's dimensions.
    dimensions: usize,
}

impl Endpoint for Embed {
    fn route() -> Route {
        Route::post("/embed")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        let dimensions = request.dimensions()?;
        let known = ["inputs", "truncate", "truncation_direction", "normalize", "dimensions", "prompt_name"];
        let mut fields = request.fields(&known)?;
        let inputs = read_inputs(fields.required("inputs")?, request.limits)?;
        let prompt = read_prompt(&mut fields, &request.model.prompts)?;
        Ok(Self {
            inputs: inputs.into_iter().map(|text| behind(prompt, text)).collect(),
            truncate: read_truncation(&mut fields, request.limits)?,
            normalize: fields.bool("normalize", true)?,
            dimensions: read_dimensions(&mut fields, dimensions)?,
        })
    }

    fn texts(&self) -> Vec<&str> {
        self.inputs.iter().map(String::as_str).collect()
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let texts: Vec<Text<'_>> = self.inputs.iter().map(|text| Text::single(text)).collect();
        let field = |index: usize| format!("inputs[{index}]");
        if !self.truncate {
            call.refuse_long(&texts, field)?;
        }
        let (encoded, usage) = call.encode(&texts, field)?;
        let scale = call.model().vector_scale;
        let vectors: Vec<Vec<f32>> = encoded
            .iter()
            .map(|one| {
                let vector = &one.vector[..self.dimensions];
                if self.normalize { unit_vector(vector) } else { scaled_vector(vector, scale) }
            })
            .collect();
        Reply::answer(&vectors, usage)
    }
}
