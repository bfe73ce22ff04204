//! The most tokens of a text, and which of them stay.

use std::path::Path;

use serde_json::Value;

use super::error::TokensError;
use super::settings::Config;
use crate::checkpoint::CheckpointError;

/// The limit of the checkpoint: that of `sentence_bert_config.json`, or else `model_max_length` of
/// `tokenizer_config.json`, and never more than the model's positions.
pub(super) fn stated(
    sentence: Option<usize>,
    config: Option<&Config>,
    positions: usize,
    notes: &mut Vec<String>,
) -> Result<usize, CheckpointError> {
    if let Some(limit) = sentence {
        if limit > positions {
            notes
                .push(format!("max_seq_length is {limit}, the model has {positions} positions: {positions}"));
        }
        return Ok(limit.min(positions));
    }
    // A tokenizer without a limit states 10^30.
    const KEY: &str = "model_max_length";
    let Some(json) = config.map(Config::json) else { return Ok(positions) };
    match json.number(KEY)? {
        Some(limit) if limit < 1.0 => Err(json.refuse(KEY, "allowed: at least 1 token")),
        Some(limit) => Ok((limit as usize).min(positions)),
        None => Ok(positions),
    }
}

/// Refuses a `tokenizer.json` that cuts the begin of a long text, unless `tokenizer_config.json`
/// states another side; transformers lets it win.
pub(super) fn check_side(
    path: &Path,
    tokenizer: &Value,
    config: Option<&Config>,
) -> Result<(), CheckpointError> {
    let stated = config.is_some_and(|config| config.json().get("truncation_side").is_some());
    if stated || tokenizer["truncation"]["direction"] != "Left" {
        return Ok(());
    }
    let reason = "truncation.direction is \"Left\", allowed: \"Right\"; the end of a long text is cut";
    Err(CheckpointError::Config { path: path.into(), reason: reason.to_owned() })
}

/// The limit of the model folder. `special` is the number of special tokens of a pair of texts.
pub(super) fn choose(
    stated: usize,
    chosen: Option<usize>,
    positions: usize,
    special: usize,
    notes: &mut Vec<String>,
) -> Result<usize, TokensError> {
    let Some(limit) = chosen else { return Ok(stated) };
    let (least, most) = (special + 1, positions);
    if !(least..=most).contains(&limit) {
        return Err(TokensError::Limit { limit, least, most });
    }
    if limit != stated {
        notes.push(format!(
            "texts have at most {limit} tokens, as --max-input-length says; the checkpoint says {stated}"
        ));
    }
    Ok(limit)
}
