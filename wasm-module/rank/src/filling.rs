//! Gives items that came under another model their vectors of this one.

use crate::{
    compact::compact,
    encoder::{EncodeError, ModelKind, Text, TextEncoder},
    items::{ItemStore, Space},
    problem::Problem,
    prompts::behind,
};

/// Encodes at most `most` items that have no vector of the model yet, of those with numbers above
/// `after`, and puts their vectors. Gives the largest number among them; `None` if there are none.
/// A text that the tokenizer refuses is left out.
///
/// # Errors
/// The model or the store fails.
pub fn fill(
    encoder: &mut dyn TextEncoder,
    store: &dyn ItemStore,
    after: i64,
    most: usize,
) -> Result<Option<i64>, Problem> {
    let info = encoder.info();
    let ModelKind::Embedding { dimensions } = info.kind else { return Ok(None) };
    let space = Space::of(info, dimensions);
    let prompt = info.prompts.document().to_owned();
    let mut missing = store.missing(&space, after, most)?;
    let Some(&(last, _)) = missing.last() else { return Ok(None) };
    while !missing.is_empty() {
        let inputs: Vec<String> = missing.iter().map(|(_, text)| behind(&prompt, text.clone())).collect();
        let texts: Vec<Text<'_>> = inputs.iter().map(|input| Text::single(input)).collect();
        match encoder.encode(&texts) {
            Ok(encoded) => {
                let each = missing.into_iter().zip(encoded);
                let vectors = each.map(|((_, text), one)| (text, compact(&one.vector)));
                store.put(&space, Vec::new(), vectors.collect())?;
                break;
            }
            Err(EncodeError::Empty { index } | EncodeError::Tokenizer { index, .. })
                if index < missing.len() =>
            {
                missing.remove(index);
            }
            Err(error) => return Err(Problem::Backend(error.to_string())),
        }
    }
    Ok(Some(last))
}
