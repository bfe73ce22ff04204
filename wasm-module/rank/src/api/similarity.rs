//! `POST /similarity`, as text-embeddings-inference and Hugging Face's `sentence_similarity` have
//! it: the cosine of each sentence with one sentence, in their order.

use super::{
    call::Call,
    endpoint::{Endpoint, Request, Route},
};
use crate::{
    compact::Compact,
    encoder::Text,
    fields::Fields,
    foreign::{read_prompt, read_truncation, refuse_changes},
    problem::Problem,
    prompts::behind,
    reply::Reply,
    texts::{read_text, read_texts},
};

/// Sentences to compare.
pub(crate) struct Similarity {
    /// The sentence that all others are compared with, and the others; all behind the prompt.
    sentences: Vec<String>,
    /// Whether a text that is too long is cut; otherwise it is refused.
    truncate: bool,
}

impl Endpoint for Similarity {
    fn route() -> Route {
        Route::post("/similarity")
    }

    fn read(request: &Request<'_>) -> Result<Self, Problem> {
        Self::of(request, request.open_fields()?.with_parameters()?)
    }

    fn inputs(&self) -> Vec<Text<'_>> {
        self.sentences.iter().map(|text| Text::single(text)).collect()
    }

    fn run(&self, call: &mut Call<'_>) -> Result<Reply, Problem> {
        let inputs = self.inputs();
        let field = |index: usize| match index.checked_sub(1) {
            None => "inputs.source_sentence".to_owned(),
            Some(index) => format!("inputs.sentences[{index}]"),
        };
        if !self.truncate {
            call.refuse_long(&inputs, field)?;
        }
        let (encoded, usage) = call.encode(&inputs, field)?;
        Reply::answer(&Compact::of(&encoded).similarities(0, 1..encoded.len()), usage)
    }
}

impl Similarity {
    /// Reads a request whose body was read already.
    pub(crate) fn of(request: &Request<'_>, mut fields: Fields) -> Result<Self, Problem> {
        request.dimensions()?;
        refuse_changes(&mut fields)?;
        let prompt = read_prompt(&mut fields, &request.model.prompts)?;
        let truncate = read_truncation(&mut fields, request.limits)?;
        let mut inputs = fields.required("inputs")?.object("an object with source_sentence and sentences")?;
        let source = read_text(inputs.required("source_sentence")?, request.limits)?;
        let sentences = read_texts(inputs.required("sentences")?, "an array of strings", request.limits)?;
        let all = std::iter::once(source).chain(sentences);
        Ok(Self { sentences: all.map(|text| behind(prompt, text)).collect(), truncate })
    }
}
