//! Reads the fields that several endpoints share: texts, ids and `dimensions`.

use crate::{
    fields::{At, Fields},
    limits::Limits,
    problem::Problem,
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

/// Refuses more than `limit` bytes.
pub(crate) fn check_bytes(path: &str, text: &str, limit: usize) -> Result<(), Problem> {
    if text.len() > limit {
        let (field, amount) = (path.to_owned(), text.len());
        return Err(Problem::TooLarge { field, amount, unit: "bytes of text", limit });
    }
    Ok(())
}
