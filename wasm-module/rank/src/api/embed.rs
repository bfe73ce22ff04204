//! `POST /embed`, as text-embeddings-inference has it: one vector of `f32` for each text.

use super::{
    call::Call,
    endpoint::{Endpoint, Request, Route},
};
use crate::{
    encoder::Text,
    exact::{scaled_vector, unit_vector},
    fields::Fields,
    foreign::{read_prompt, read_truncation, refuse_changes},
    inputs::{Input, read_inputs},
    json::Json,
    problem::Problem,
    reply::Reply,
    texts::read_dimensions,
};

/// Texts to turn into vectors.
pub(crate) struct Embed {
    /// Behind the prompt of the request; never empty.
    inputs: Vec<Input>,
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
        Self::of(request, request.open_fields()?.with_parameters()?)
    }

    fn inputs(&self) -> Vec<Text<'_>> {
        self.inputs.iter().map(Input::text).collect()
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let inputs = self.inputs();
        let field = |index: usize| format!("inputs[{index}]");
        if !self.truncate {
            call.refuse_long(&inputs, field)?;
        }
        let (encoded, usage) = call.encode(&inputs, field)?;
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

impl Embed {
    /// Reads a request whose body was read already.
    pub(crate) fn of(request: &Request<'_>, mut fields: Fields) -> Result<Self, Problem> {
        let dimensions = request.dimensions()?;
        refuse_changes(&mut fields)?;
        if let Some(format) = fields.optional("encoding_format") {
            format.refuse_unless(&Json::String("float".into()))?;
        }
        let prompt = read_prompt(&mut fields, &request.model.prompts)?;
        Ok(Self {
            inputs: read_inputs(fields.required("inputs")?, prompt, request.limits, request.model)?,
            truncate: read_truncation(&mut fields, request.limits)?,
            normalize: fields.bool("normalize", true)?,
            dimensions: read_dimensions(&mut fields, dimensions)?,
        })
    }
}
