//! Reads the fields that several endpoints share: texts, ids, `dimensions`, `prompt_name`
//! and `truncate`.

use crate::{
    fields::{At, Fields},
    limits::Limits,
    problem::{Problem, quote},
    prompts::Prompts,
};

/// Reads one text. It may be blank: the model then reads its special tokens alone.
pub(crate) fn read_text(field: At, limits: &Limits) -> Result<String, Problem> {
    let path = field.path.clone();
    let text = field.string()?;
    check_bytes(&path, &text, limits.max_text_bytes)?;
    Ok(text)
}

/// Reads a non-empty array of texts. An error message describes the expected type as `wanted`.
pub(crate) fn read_texts(field: At, wanted: &str, limits: &Limits) -> Result<Vec<String>, Problem> {
    read_non_empty(field, wanted, limits.max_inputs)?
        .into_iter()
        .map(|text| read_text(text, limits))
        .collect()
}

/// Reads one text or a non-empty array of texts. One text that is `""` is refused, as
/// text-embeddings-inference and OpenAI refuse it; in an array it is a text as any other.
pub(crate) fn read_inputs(field: At, limits: &Limits) -> Result<Vec<String>, Problem> {
    if field.is_string() {
        let path = field.path.clone();
        let text = read_text(field, limits)?;
        if text.is_empty() {
            return Err(Problem::empty(path, "the text is \"\"; send one, or an array of texts"));
        }
        Ok(vec![text])
    } else {
        read_texts(field, "a string or an array of strings", limits)
    }
}

/// Reads an array of 1 to `limit` entries.
pub(crate) fn read_non_empty(field: At, wanted: &str, limit: usize) -> Result<Vec<At>, Problem> {
    let path = field.path.clone();
    let entries = field.array(wanted, limit)?;
    if entries.is_empty() {
        return Err(Problem::empty(path, "no texts; send at least one"));
    }
    Ok(entries)
}

/// Reads an id of 1 to [`Limits::max_id_bytes`] bytes.
pub(crate) fn read_id(field: At, limits: &Limits) -> Result<String, Problem> {
    let path = field.path.clone();
    let id = field.string()?;
    check_id(&path, &id, limits)?;
    Ok(id)
}

/// Refuses an empty id, and an id longer than [`Limits::max_id_bytes`].
pub(crate) fn check_id(path: &str, id: &str, limits: &Limits) -> Result<(), Problem> {
    check_bytes(path, id, limits.max_id_bytes)?;
    if id.is_empty() { Err(Problem::empty(path, "the id is \"\"")) } else { Ok(()) }
}

/// Reads `dimensions`: how many numbers of each vector the client wants, from 1 to all of them.
pub(crate) fn read_dimensions(fields: &mut Fields, all: usize) -> Result<usize, Problem> {
    fields.optional("dimensions").map_or(Ok(all), |field| field.whole(1..=all, "the model's dimensions"))
}

/// Reads `prompt_name`: the prompt of the model that stands before each text.
pub(crate) fn read_prompt<'a>(fields: &mut Fields, prompts: &'a Prompts) -> Result<&'a str, Problem> {
    let Some(field) = fields.optional("prompt_name") else { return Ok(prompts.any()) };
    let path = field.path.clone();
    let name = field.string()?;
    prompts.texts.get(&name).map(String::as_str).ok_or_else(|| {
        let known: Vec<&str> = prompts.texts.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Problem::invalid(path, format!("expected a prompt of the model ({known}), got {}", quote(&name)))
    })
}

/// Reads `truncate`: whether the service cuts a text that is too long. It can only cut the end, so
/// `truncation_direction` must be `right`.
pub(crate) fn read_truncation(fields: &mut Fields, limits: &Limits) -> Result<bool, Problem> {
    if let Some(field) = fields.optional("truncation_direction") {
        let path = field.path.clone();
        let direction = field.string()?;
        if !direction.eq_ignore_ascii_case("right") {
            let detail = format!("expected \"right\", got {}", quote(&direction));
            return Err(Problem::invalid(path, detail));
        }
    }
    fields.bool("truncate", limits.auto_truncate)
}

fn check_bytes(path: &str, text: &str, limit: usize) -> Result<(), Problem> {
    if text.len() > limit {
        let (field, amount) = (path.to_owned(), text.len());
        return Err(Problem::TooLarge { field, amount, unit: "bytes of text", limit });
    }
    Ok(())
}
