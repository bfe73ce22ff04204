//! The texts that a request compares, some with vectors that a pack has.

use super::call::Call;
use crate::{
    compact::{Compact, compact},
    encoder::Text,
    packs::{Loaded, of_text},
    problem::Problem,
    prompts::behind,
    reply::Usage,
};

/// Where the vector of a text comes from.
pub(super) enum Source {
    /// The model reads this text, behind its prompt.
    Text(String),
    /// A pack has the compact vector.
    Known(Vec<i16>),
}

impl Source {
    /// The source of a text behind a prompt. A pack has vectors of texts behind the prompt of
    /// documents, `document`.
    pub(super) fn of(packs: &Loaded, prompt: &str, document: &str, text: String) -> Self {
        let known = if prompt == document { of_text(packs, &text) } else { None };
        known.map_or_else(|| Self::Text(behind(prompt, text)), Self::Known)
    }

    /// The text that the model has to read.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Known(_) => None,
        }
    }
}

/// The vectors of a request's texts, in order.
pub(super) struct Compared {
    pub(super) vectors: Compact,
    /// Positions of the texts whose end was cut off; those of packs are none of them.
    pub(super) truncated: Vec<usize>,
    /// The cost of the texts that the model read.
    pub(super) usage: Usage,
}

/// Runs the model on the texts that no pack knows. `field(position)` names the request's field of a
/// source.
pub(super) fn compare(
    call: &mut Call<'_>,
    sources: &[&Source],
    width: usize,
    field: impl Fn(usize) -> String,
) -> Result<Compared, Problem> {
    let unknown = |(at, source): (usize, &&Source)| source.text().map(|_| at);
    let unknown: Vec<usize> = sources.iter().enumerate().filter_map(unknown).collect();
    let texts = unknown.iter().filter_map(|&at| sources[at].text()).map(Text::single);
    let (encoded, usage) =
        call.encode(&texts.collect::<Vec<_>>(), |index| field(unknown.get(index).copied().unwrap_or(index)))?;
    let truncated = unknown.iter().zip(&encoded).filter(|(_, one)| one.truncated).map(|(&at, _)| at);
    let truncated = truncated.collect();
    let (mut rows, mut encoded) = (Vec::with_capacity(sources.len() * width), encoded.into_iter());
    for source in sources {
        match source {
            Source::Known(vector) => rows.extend(vector),
            Source::Text(_) => {
                rows.extend(encoded.next().map(|one| compact(&one.vector)).unwrap_or_default())
            }
        }
    }
    Ok(Compared { vectors: Compact::of_rows(width, rows), truncated, usage })
}
