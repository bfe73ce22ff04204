//! The post-processors of a file: the templates of the sequences that the model receives.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::part::{kind_of, parse, unsupported};
use crate::error::TokenizerError;
use crate::template::{Element, Template};
use crate::trim::Trim;

#[derive(Deserialize)]
struct TemplateProcessing {
    single: Vec<TemplatePiece>,
    pair: Vec<TemplatePiece>,
    special_tokens: HashMap<String, SpecialToken>,
}

#[derive(Deserialize)]
enum TemplatePiece {
    Sequence { id: Sequence, type_id: u8 },
    SpecialToken { id: String, type_id: u8 },
}

#[derive(Clone, Copy, Deserialize)]
enum Sequence {
    A,
    B,
}

#[derive(Deserialize)]
struct SpecialToken {
    ids: Vec<u32>,
}

/// `RobertaProcessing` has the same fields, and some for offsets.
#[derive(Deserialize)]
struct BertProcessing {
    sep: (String, u32),
    cls: (String, u32),
}

/// `RobertaProcessing` without its templates.
#[derive(Deserialize)]
struct Offsets {
    #[serde(default = "yes")]
    trim_offsets: bool,
    #[serde(default = "yes")]
    add_prefix_space: bool,
}

const fn yes() -> bool {
    true
}

/// How the places of tokens are trimmed; `None` if they are not.
pub(super) fn read_trim(part: Option<&Value>) -> Result<Option<Trim>, TokenizerError> {
    let Some(part) = part.filter(|part| kind_of(part) == "RobertaProcessing") else { return Ok(None) };
    let Offsets { trim_offsets, add_prefix_space } = parse(part)?;
    Ok(trim_offsets.then_some(Trim { prefix_space: add_prefix_space }))
}

/// The templates for one text and for two.
pub(super) fn read(part: Option<&Value>, vocab_size: usize) -> Result<[Template; 2], TokenizerError> {
    let text = |index, type_id| Element::Text { index, type_id };
    let Some(part) = part else {
        let pair = vec![text(0, 0), text(1, 1)];
        return Ok([Template::new("single", 1, vec![text(0, 0)])?, Template::new("pair", 2, pair)?]);
    };
    let (single, pair) = match kind_of(part) {
        kind @ ("BertProcessing" | "RobertaProcessing") => {
            let BertProcessing { sep, cls } = parse(part)?;
            for (token, id) in [&sep, &cls] {
                check_id(token, *id, vocab_size)?;
            }
            let special = |id, type_id| Element::Special { ids: vec![id], type_id };
            let single = vec![special(cls.1, 0), text(0, 0), special(sep.1, 0)];
            let second = if kind == "BertProcessing" {
                vec![text(1, 1), special(sep.1, 1)]
            } else {
                vec![special(sep.1, 0), text(1, 0), special(sep.1, 0)]
            };
            let pair = [single.clone(), second].concat();
            (single, pair)
        }
        "TemplateProcessing" => {
            let file: TemplateProcessing = parse(part)?;
            for (token, special) in &file.special_tokens {
                for &id in &special.ids {
                    check_id(token, id, vocab_size)?;
                }
            }
            (
                elements("single", file.single, &file.special_tokens)?,
                elements("pair", file.pair, &file.special_tokens)?,
            )
        }
        kind => return Err(unsupported("post_processor", kind)),
    };
    Ok([Template::new("single", 1, single)?, Template::new("pair", 2, pair)?])
}

fn elements(
    template: &'static str,
    pieces: Vec<TemplatePiece>,
    special_tokens: &HashMap<String, SpecialToken>,
) -> Result<Vec<Element>, TokenizerError> {
    let element = |piece| match piece {
        TemplatePiece::Sequence { id, type_id } => Ok(Element::Text { index: id as usize, type_id }),
        TemplatePiece::SpecialToken { id, type_id } => match special_tokens.get(&id) {
            Some(special) => Ok(Element::Special { ids: special.ids.clone(), type_id }),
            None => Err(TokenizerError::TemplateToken { template, token: id }),
        },
    };
    pieces.into_iter().map(element).collect()
}

fn check_id(token: &str, id: u32, vocab_size: usize) -> Result<(), TokenizerError> {
    if (id as usize) < vocab_size {
        return Ok(());
    }
    Err(TokenizerError::SpecialTokenId { token: token.to_owned(), id, vocab_size })
}
