//! The decoder of a file.

use serde::Deserialize;
use serde_json::Value;

use super::normalizer;
use super::part::{kind_of, parse, unsupported};
use crate::decode::Step;
use crate::error::TokenizerError;
use crate::normalize;

#[derive(Deserialize)]
struct Sequence {
    decoders: Vec<Value>,
}

#[derive(Deserialize)]
struct WordPiece {
    prefix: String,
    cleanup: bool,
}

#[derive(Deserialize)]
struct Metaspace {
    replacement: char,
    add_prefix_space: Option<bool>,
    prepend_scheme: Option<String>,
}

#[derive(Deserialize)]
struct Strip {
    content: char,
    start: usize,
    stop: usize,
}

/// Appends the steps of a decoder.
pub(super) fn read(part: &Value, steps: &mut Vec<Step>) -> Result<(), TokenizerError> {
    steps.push(match kind_of(part) {
        "WordPiece" => {
            let WordPiece { prefix, cleanup } = parse(part)?;
            Step::WordPiece { prefix, cleanup }
        }
        "ByteLevel" => Step::ByteLevel,
        "Metaspace" => {
            let file: Metaspace = parse(part)?;
            let never =
                file.prepend_scheme.map_or(file.add_prefix_space == Some(false), |scheme| scheme == "never");
            Step::Metaspace { replacement: file.replacement, prepended: !never }
        }
        "ByteFallback" => Step::ByteFallback,
        "Fuse" => Step::Fuse,
        "Strip" => {
            let Strip { content, start, stop } = parse(part)?;
            Step::Strip { content, start, stop }
        }
        // It has the form of the normalizer of this name.
        "Replace" => {
            let mut read = Vec::new();
            normalizer::read(part, &mut read)?;
            match read.pop() {
                Some(normalize::Step::Replace { pattern, content }) => Step::Replace { pattern, content },
                _ => return Err(unsupported("decoder", "Replace")),
            }
        }
        // serde_json limits the depth of nested values, and so the depth of this recursion.
        "Sequence" => {
            return parse::<Sequence>(part)?.decoders.iter().try_for_each(|part| self::read(part, steps));
        }
        kind => return Err(unsupported("decoder", kind)),
    });
    Ok(())
}
