//! `POST /tokenize`, as text-embeddings-inference has it: the tokens of each text, with their
//! places in bytes. A text stands behind its prompt, and is not cut.

use serde::Serialize;

use super::{
    call::Call,
    endpoint::{Endpoint, Request, Route},
};
use crate::{
    encoder::Token,
    foreign::read_prompt,
    problem::Problem,
    prompts::behind,
    reply::{Reply, Usage},
    texts::{read_text, read_texts},
};

/// Most tokens of an answer. A token of one byte becomes some 60 bytes of JSON.
const MOST: usize = 1 << 18;

/// Texts to split into tokens.
pub(crate) struct Tokenize {
    /// Behind the prompt of the request; never empty.
    texts: Vec<String>,
    /// Whether the special tokens of the model are added.
    special: bool,
    /// Whether the request has one text, not an array.
    one: bool,
}

/// One token of the answer. A special one has no place.
#[derive(Serialize)]
struct Line {
    id: u32,
    text: String,
    special: bool,
    start: Option<usize>,
    stop: Option<usize>,
}

impl Endpoint for Tokenize {
    fn route() -> Route {
        Route::post("/tokenize")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        let mut fields = request.open_fields()?;
        let prompt = read_prompt(&mut fields, &request.model.prompts)?;
        let inputs = fields.required("inputs")?;
        let one = inputs.is_string();
        let texts = if one {
            let path = inputs.path.clone();
            let text = read_text(inputs, request.limits)?;
            if text.is_empty() {
                return Err(Problem::empty(path, "the text is \"\"; send one, or an array of texts"));
            }
            vec![text]
        } else {
            read_texts(inputs, "a string, or an array of strings", request.limits)?
        };
        let texts = texts.into_iter().map(|text| behind(prompt, text)).collect();
        Ok(Self { texts, special: fields.bool("add_special_tokens", true)?, one })
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let field = |index: usize| if self.one { "inputs".to_owned() } else { format!("inputs[{index}]") };
        let (mut answer, mut count) = (Vec::new(), 0);
        for (index, text) in self.texts.iter().enumerate() {
            let tokens = call.encoder.tokens(text, self.special);
            let tokens = tokens.map_err(|error| Problem::from_encoder(error, |_| field(index)))?;
            count += tokens.len();
            if count > MOST {
                let (field, unit) = (field(index), "tokens up to here");
                return Err(Problem::TooLarge { field, amount: count, unit, limit: MOST });
            }
            answer.push(tokens.into_iter().map(|token| line(token, text)).collect::<Vec<_>>());
        }
        Reply::answer(&answer, Usage::default())
    }
}

fn line(token: Token, text: &str) -> Line {
    let Token { id, name, place } = token;
    let Some((start, stop)) = place else {
        return Line { id, text: name, special: true, start: None, stop: None };
    };
    let bytes = text.as_bytes().get(start..stop).unwrap_or_default();
    let text = String::from_utf8_lossy(bytes).into_owned();
    Line { id, text, special: false, start: Some(start), stop: Some(stop) }
}
