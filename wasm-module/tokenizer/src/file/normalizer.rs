//! The normalizers of a file.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;

use super::part::{kind_of, parse, unsupported};
use crate::charsmap::Charsmap;
use crate::error::TokenizerError;
use crate::normalize::Step;
use crate::pattern::Pattern;

#[derive(Deserialize)]
struct BertNormalizer {
    clean_text: bool,
    handle_chinese_chars: bool,
    strip_accents: Option<bool>,
    lowercase: bool,
}

#[derive(Deserialize)]
struct Sequence {
    normalizers: Vec<Value>,
}

#[derive(Deserialize)]
struct Precompiled {
    precompiled_charsmap: String,
}

#[derive(Deserialize)]
struct Replace {
    pattern: ReplacePattern,
    content: String,
}

#[derive(Deserialize)]
enum ReplacePattern {
    String(String),
    Regex(String),
}

#[derive(Deserialize)]
struct Strip {
    strip_left: bool,
    strip_right: bool,
}

#[derive(Deserialize)]
struct Prepend {
    prepend: String,
}

/// Appends the steps of a normalizer.
pub(super) fn read(part: &Value, steps: &mut Vec<Step>) -> Result<(), TokenizerError> {
    match kind_of(part) {
        "BertNormalizer" => {
            let bert: BertNormalizer = parse(part)?;
            if bert.clean_text {
                steps.push(Step::Clean);
            }
            if bert.handle_chinese_chars {
                steps.push(Step::SpaceIdeographs);
            }
            if bert.strip_accents.unwrap_or(bert.lowercase) {
                steps.extend([Step::Decompose, Step::DropNonspacingMarks]);
            }
            if bert.lowercase {
                steps.push(Step::Lowercase);
            }
        }
        "NFD" => steps.push(Step::Decompose),
        "StripAccents" => steps.push(Step::DropMarks),
        "Lowercase" => steps.push(Step::Lowercase),
        "Precompiled" => {
            let Precompiled { precompiled_charsmap } = parse(part)?;
            steps.push(Step::Precompiled(charsmap(&precompiled_charsmap)?));
        }
        "Replace" => {
            let Replace { pattern, content } = parse(part)?;
            steps.push(Step::Replace { pattern: read_pattern(pattern)?, content });
        }
        "Strip" => {
            let Strip { strip_left, strip_right } = parse(part)?;
            steps.push(Step::Strip { left: strip_left, right: strip_right });
        }
        "Prepend" => steps.push(Step::Prepend(parse::<Prepend>(part)?.prepend)),
        // serde_json limits the depth of nested values, and so the depth of this recursion.
        "Sequence" => {
            for part in &parse::<Sequence>(part)?.normalizers {
                read(part, steps)?;
            }
        }
        kind => return Err(unsupported("normalizer", kind)),
    }
    Ok(())
}

fn charsmap(text: &str) -> Result<Charsmap, TokenizerError> {
    let bytes = BASE64_STANDARD.decode(text).map_err(|_| TokenizerError::Charsmap("it is not base64"))?;
    Charsmap::read(&bytes).map_err(TokenizerError::Charsmap)
}

fn read_pattern(pattern: ReplacePattern) -> Result<Pattern, TokenizerError> {
    match pattern {
        ReplacePattern::String(text) if text.is_empty() => {
            Err(unsupported("normalizer", "Replace of an empty pattern"))
        }
        ReplacePattern::String(text) => Ok(Pattern::Text(text)),
        ReplacePattern::Regex(expression) => Pattern::regular(&expression)
            .ok_or_else(|| unsupported("normalizer", format!("Replace of the pattern {expression}"))),
    }
}
