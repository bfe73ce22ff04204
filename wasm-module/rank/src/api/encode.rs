//! `POST /lockstep/encode`: the model's integers, to compare runtimes bit by bit.

use serde::Serialize;

use super::{
    call::Call,
    endpoint::{Endpoint, Request, Route},
};
use crate::{
    encoder::Text,
    problem::Problem,
    reply::Reply,
    texts::{read_non_empty, read_text},
};

/// Texts, and pairs of texts for a cross-encoder.
pub(crate) struct Encode {
    /// Never empty.
    inputs: Vec<(String, Option<String>)>,
}

#[derive(Serialize)]
struct Answer {
    vectors: Vec<Vec<i32>>,
    tokens: Vec<usize>,
    truncated: Vec<bool>,
}

impl Endpoint for Encode {
    fn route() -> Route {
        Route::post("/lockstep/encode")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        let limits = request.limits;
        let inputs = request.fields(&["inputs"])?.required("inputs")?;
        let wanted = "an array of strings or of pairs of strings";
        let inputs = read_non_empty(inputs, wanted, limits.max_inputs)?
            .into_iter()
            .map(|input| {
                if input.is_string() {
                    return Ok((read_text(input, limits)?, None));
                }
                let path = input.path.clone();
                let pair = input.array("a string or a pair of strings", 2)?;
                let count = pair.len();
                let mut pair = pair.into_iter();
                let (Some(first), Some(second)) = (pair.next(), pair.next()) else {
                    let detail = format!("expected a pair of strings, got an array of {count}");
                    return Err(Problem::invalid(path, detail));
                };
                Ok((read_text(first, limits)?, Some(read_text(second, limits)?)))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { inputs })
    }

    fn inputs(&self) -> Vec<Text<'_>> {
        self.inputs.iter().map(Text::of).collect()
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let (encoded, usage) = call.encode(&self.inputs(), |index| format!("inputs[{index}]"))?;
        let answer = Answer {
            tokens: encoded.iter().map(|one| one.tokens).collect(),
            truncated: encoded.iter().map(|one| one.truncated).collect(),
            vectors: encoded.into_iter().map(|one| one.vector).collect(),
        };
        Reply::answer(&answer, usage)
    }
}
