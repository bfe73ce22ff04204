//! The settings of the normalizer that stand outside of `tokenizer.json`.

use lockstep_folder::TOKENIZER;
use serde_json::{Value, json};

use super::settings::Config;
use crate::checkpoint::{CheckpointError, Json, shown};

/// The key in `tokenizer_config.json`, the one in `tokenizer.json`, and the default of
/// transformers; `None` is `null`.
pub(super) const KEYS: [(&str, &str, Option<bool>); 3] = [
    ("do_lower_case", "lowercase", Some(true)),
    ("tokenize_chinese_chars", "handle_chinese_chars", Some(true)),
    ("strip_accents", "strip_accents", None),
];

/// Applies the settings as transformers and sentence-transformers do. `lowercase` is the
/// `do_lower_case` of `sentence_bert_config.json`.
pub(super) fn apply(
    tokenizer: &mut Value,
    config: Option<&Config>,
    lowercase: bool,
    notes: &mut Vec<String>,
) -> Result<(), CheckpointError> {
    let normalizer = &mut tokenizer["normalizer"];
    match config {
        Some(config) if config.replaces => replace(normalizer, config.json(), notes)?,
        Some(_) => {}
        None if normalizer["lowercase"] == false => notes.push(format!(
            "{TOKENIZER} keeps capital letters; transformers makes them small, as there is no tokenizer_config.json"
        )),
        None => {}
    }
    if lowercase && !lowers(normalizer) {
        let steps = match normalizer.take() {
            Value::Null => vec![],
            step => vec![step],
        };
        let steps = [vec![json!({"type": "Lowercase"})], steps].concat();
        *normalizer = json!({"type": "Sequence", "normalizers": steps});
    }
    Ok(())
}

/// Puts the arguments of the tokenizer's class into the normalizer.
fn replace(normalizer: &mut Value, json: &Json, notes: &mut Vec<String>) -> Result<(), CheckpointError> {
    let stated = |key: &str| Ok::<_, CheckpointError>((json.get(key).is_some(), json.flag(key)?));
    if normalizer["type"] != "BertNormalizer" {
        for (key, ..) in KEYS {
            if stated(key)?.0 {
                notes.push(format!(
                    "tokenizer_config.json: {key} has no effect on the normalizer of type {} in {TOKENIZER}",
                    shown(&normalizer["type"])
                ));
            }
        }
        return Ok(());
    }
    for (key, field, default) in KEYS {
        let (there, value) = stated(key)?;
        let wanted = value.or(default).map_or(Value::Null, Value::Bool);
        if normalizer[field] == wanted {
            continue;
        }
        let says = if there { "says" } else { "says nothing of" };
        notes.push(format!(
            "tokenizer_config.json {says} {key}, {TOKENIZER} says {field} {}: {field} is {wanted}, as in transformers",
            normalizer[field]
        ));
        normalizer[field] = wanted;
    }
    Ok(())
}

/// Whether a normalizer makes letters small.
fn lowers(normalizer: &Value) -> bool {
    let steps = normalizer["normalizers"].as_array();
    normalizer["type"] == "Lowercase"
        || normalizer["lowercase"] == true
        || steps.is_some_and(|steps| steps.iter().any(lowers))
}
