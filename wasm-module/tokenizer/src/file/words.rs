//! The pre-tokenizers of a file.

use serde::Deserialize;
use serde_json::Value;

use super::part::{kind_of, parse, unsupported};
use crate::byte_level::ByteLevel;
use crate::error::TokenizerError;
use crate::metaspace::{Metaspace, Prepend};
use crate::normalize;
use crate::words::Step;

const COMPONENT: &str = "pre_tokenizer";

#[derive(Deserialize)]
struct Sequence {
    pretokenizers: Vec<Value>,
}

/// Old files have `add_prefix_space`, new ones `prepend_scheme` and `split`; some have all.
#[derive(Deserialize)]
struct MetaspaceFile {
    replacement: char,
    add_prefix_space: Option<bool>,
    #[serde(default)]
    prepend_scheme: Scheme,
    split: Option<bool>,
}

#[derive(Deserialize)]
struct ByteLevelFile {
    add_prefix_space: bool,
    use_regex: Option<bool>,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Scheme {
    First,
    Never,
    #[default]
    Always,
}

/// The steps of the pre-tokenizer. `normalizers` are the steps before it, `bytes` says whether the
/// model takes the characters of bytes.
pub(super) fn read(
    part: Option<&Value>,
    normalizers: &[normalize::Step],
    bytes: bool,
) -> Result<Vec<Step>, TokenizerError> {
    let mut steps = Vec::new();
    if let Some(part) = part {
        push(part, &mut steps)?;
    }
    match (bytes, steps.iter().position(|step| matches!(step, Step::ByteLevel(_)))) {
        (true, Some(at)) if at + 1 == steps.len() => {}
        (false, None) => {}
        (true, None) => return Err(unsupported("model", "BPE without the pre-tokenizer ByteLevel")),
        (true, Some(_)) => return Err(unsupported(COMPONENT, "ByteLevel before other pre-tokenizers")),
        (false, Some(_)) => return Err(unsupported(COMPONENT, "ByteLevel before another model than BPE")),
    }
    let first = |step: &Step| matches!(step, Step::Metaspace(m) if m.prepend == Prepend::First);
    if let Some(Step::Metaspace(metaspace)) = steps.iter().find(|step| first(step))
        && (steps.len() > 1 || !normalizers.iter().all(|step| keeps_begin(step, metaspace.replacement)))
    {
        let kind = "Metaspace with prepend_scheme first, behind these normalizers and pre-tokenizers";
        return Err(unsupported(COMPONENT, kind));
    }
    Ok(steps)
}

fn push(part: &Value, steps: &mut Vec<Step>) -> Result<(), TokenizerError> {
    match kind_of(part) {
        "BertPreTokenizer" => steps.push(Step::Bert),
        "WhitespaceSplit" => steps.push(Step::WhiteSpace),
        "Metaspace" => {
            let file: MetaspaceFile = parse(part)?;
            if file.add_prefix_space == Some(false) && file.prepend_scheme != Scheme::Never {
                // `tokenizers` refuses it, too.
                let kind = "Metaspace with add_prefix_space false and another prepend_scheme than never";
                return Err(unsupported(COMPONENT, kind));
            }
            steps.push(Step::Metaspace(Metaspace {
                replacement: file.replacement,
                prepend: match file.prepend_scheme {
                    Scheme::First => Prepend::First,
                    Scheme::Never => Prepend::Never,
                    Scheme::Always => Prepend::Always,
                },
                split: file.split.unwrap_or(true),
            }));
        }
        "ByteLevel" => {
            let ByteLevelFile { add_prefix_space, use_regex } = parse(part)?;
            let split = use_regex.unwrap_or(true);
            steps.push(Step::ByteLevel(ByteLevel { prefix_space: add_prefix_space, split }));
        }
        // serde_json limits the depth of nested values, and so the depth of this recursion.
        "Sequence" => {
            for part in &parse::<Sequence>(part)?.pretokenizers {
                push(part, steps)?;
            }
        }
        kind => return Err(unsupported(COMPONENT, kind)),
    }
    Ok(())
}

/// Whether the begin of a normalized text is where the begin of the text was. `tokenizers` asks the
/// alignment of the two for `first`, and it is not followed here.
fn keeps_begin(step: &normalize::Step, replacement: char) -> bool {
    match step {
        normalize::Step::Lowercase
        | normalize::Step::Decompose
        | normalize::Step::Precompiled(_)
        | normalize::Step::Prepend(_)
        | normalize::Step::Strip { left: false, .. } => true,
        // Before these two no character is put anyway.
        normalize::Step::Replace { content, .. } => content.starts_with([' ', replacement]),
        _ => false,
    }
}
