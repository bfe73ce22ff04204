//! The configuration of a `Pooling` module, in both spellings: a truth value for each mode, or,
//! since version 5.4 of sentence-transformers, `pooling_mode` with one name or a list.

use std::path::Path;

use lockstep_arith::encoder::Pooling;
use serde_json::Value;

use crate::checkpoint::{CheckpointError, Json};

/// The key of each mode in the old spelling, and its name in the new one.
const MODES: [(&str, &str); 6] = [
    ("pooling_mode_cls_token", "cls"),
    ("pooling_mode_max_tokens", "max"),
    ("pooling_mode_mean_tokens", "mean"),
    ("pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"),
    ("pooling_mode_weightedmean_tokens", "weightedmean"),
    ("pooling_mode_lasttoken", "lasttoken"),
];
const ADVICE: &str = "carried: mean, cls, max, weightedmean; --pooling takes one of them instead";

/// The pooling of vectors of `hidden` numbers. `normalized` says whether a `Normalize` follows, and
/// nothing else.
pub(super) fn read(path: &Path, hidden: usize, normalized: bool) -> Result<Pooling, CheckpointError> {
    let json = Json::read(path)?;
    for key in ["embedding_dimension", "word_embedding_dimension"] {
        if json.count(key)?.is_some_and(|value| value != hidden) {
            return Err(json.refuse(key, &format!("config.json has hidden_size {hidden}")));
        }
    }
    let (key, modes) = modes(&json)?;
    match modes.as_slice() {
        ["mean"] => Ok(Pooling::Mean),
        ["cls"] => Ok(Pooling::Cls),
        ["max"] => Ok(Pooling::Max),
        ["weightedmean"] => Ok(Pooling::WeightedMean),
        // It differs from the mean by a factor, which the scaling to length 1 removes.
        ["mean_sqrt_len_tokens"] if normalized => Ok(Pooling::Mean),
        [mode] => Err(json.refuse(&key, &format!("which is the pooling \"{mode}\"; {ADVICE}"))),
        [] => Err(json.error(format!("no pooling mode is stated; {ADVICE}"))),
        many => Err(json.error(format!("several pooling modes at once ({}); {ADVICE}", many.join(", ")))),
    }
}

/// The modes that are on, by their new names, and the key that says so.
fn modes(json: &Json) -> Result<(String, Vec<&str>), CheckpointError> {
    const KEY: &str = "pooling_mode";
    let names = match json.get(KEY) {
        Some(Value::String(name)) => vec![name.as_str()],
        Some(Value::Array(list)) => {
            let names: Option<_> = list.iter().map(Value::as_str).collect();
            names.ok_or_else(|| json.refuse(KEY, ADVICE))?
        }
        Some(_) => return Err(json.refuse(KEY, ADVICE)),
        None => {
            // A key of a mode that no version has had so far is refused, not skipped.
            let mut on = Vec::new();
            for (key, _) in json.entries().filter(|(key, _)| key.starts_with("pooling_mode_")) {
                let name = MODES.iter().find_map(|(old, name)| (*old == key).then_some(*name));
                if json.flag(key)? == Some(true) {
                    on.push((key, name.unwrap_or(key)));
                }
            }
            let stated = MODES.iter().any(|(key, _)| json.get(key).is_some());
            if on.is_empty() && stated {
                // All are off: the library takes the mean.
                on.push((MODES[2].0, "mean"));
            }
            let key = on.first().map_or(KEY, |(key, _)| key).to_owned();
            return Ok((key, on.into_iter().map(|(_, name)| name).collect()));
        }
    };
    Ok((KEY.to_owned(), names))
}

/// Refuses a pooling that leaves the tokens of prompts out.
pub(super) fn refuse_without_prompt(path: &Path) -> Result<(), CheckpointError> {
    let json = Json::read(path)?;
    if json.flag("include_prompt")? == Some(false) {
        return Err(json.refuse("include_prompt", "and the model has prompts; allowed: true"));
    }
    Ok(())
}
