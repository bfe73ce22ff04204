//! Reads the inputs of an embedding: texts, or token ids of the model.
//!
//! | the client sends | inputs |
//! |---|---|
//! | `"a"` | one text |
//! | `["a", "b"]` | two texts |
//! | `[7592, 2088]` | one list of token ids |
//! | `[[7592, 2088], [7592]]` | two lists of token ids |
//!
//! text-embeddings-inference and OpenAI take the same forms. Ids are the model's whole input: no
//! special tokens are added, as text-embeddings-inference adds none.

use crate::{
    encoder::{ModelInfo, Text},
    fields::At,
    limits::Limits,
    problem::Problem,
    texts::{read_non_empty, read_text},
};

/// One input.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// A text, behind its prompt.
    Text(String),
    /// Never empty; each id is in the model's vocabulary.
    Ids(Vec<u32>),
}

impl Input {
    /// The input, as the model takes it.
    pub(crate) fn text(&self) -> Text<'_> {
        match self {
            Self::Text(text) => Text::Single(text),
            Self::Ids(ids) => Text::Ids(ids),
        }
    }
}

/// Reads one input or a non-empty array of inputs, with `prompt` before each text. One text that is
/// `""` is refused, as text-embeddings-inference and OpenAI refuse it; in an array it is a text as
/// any other.
pub(crate) fn read_inputs(
    field: At,
    prompt: &str,
    limits: &Limits,
    model: &ModelInfo,
) -> Result<Vec<Input>, Problem> {
    if field.is_string() {
        let path = field.path.clone();
        let text = read_text(field, limits)?;
        if text.is_empty() {
            return Err(Problem::empty(path, "the text is \"\"; send one, or an array of texts"));
        }
        return Ok(vec![Input::Text(format!("{prompt}{text}"))]);
    }
    if field.is_numbers() {
        return Ok(vec![read_ids(field, prompt, model)?]);
    }
    let wanted = "a string, an array of strings, or token ids";
    let entries = read_non_empty(field, wanted, limits.max_inputs)?;
    let read = |entry: At| {
        if entry.is_array() {
            read_ids(entry, prompt, model)
        } else {
            read_text(entry, limits).map(|text| Input::Text(format!("{prompt}{text}")))
        }
    };
    entries.into_iter().map(read).collect()
}

/// Reads the token ids of one input.
fn read_ids(field: At, prompt: &str, model: &ModelInfo) -> Result<Input, Problem> {
    let path = field.path.clone();
    if !prompt.is_empty() {
        let detail = "token ids cannot stand behind a prompt, and this model puts one before each input; \
                      send the texts themselves";
        return Err(Problem::invalid(path, detail));
    }
    let ids = field.ids(model.vocabulary)?;
    if ids.is_empty() {
        return Err(Problem::empty(path, "no token ids; send at least one"));
    }
    Ok(Input::Ids(ids))
}
