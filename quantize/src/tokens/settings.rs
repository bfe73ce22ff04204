//! `tokenizer_config.json`.

use std::path::Path;

use lockstep_tokenizer::Tokenizer;
use serde_json::Value;

use crate::checkpoint::{CheckpointError, Json, shown};

/// Classes that build the normalizer of BERT from their own arguments.
const BERT: [&str; 6] = [
    "BertTokenizer",
    "BertTokenizerFast",
    "DistilBertTokenizer",
    "DistilBertTokenizerFast",
    "ElectraTokenizer",
    "ElectraTokenizerFast",
];
/// Classes that take `tokenizer.json` as it is, but for `add_prefix_space`.
const PLAIN: [&str; 8] = [
    "PreTrainedTokenizerFast",
    "TokenizersBackend",
    "XLMRobertaTokenizer",
    "XLMRobertaTokenizerFast",
    "CamembertTokenizer",
    "CamembertTokenizerFast",
    ROBERTA[0],
    ROBERTA[1],
];
/// Of these, the ones that put no space before a text unless they are told to.
const ROBERTA: [&str; 2] = ["RobertaTokenizer", "RobertaTokenizerFast"];

/// The file, checked.
#[derive(Debug)]
pub(super) struct Config {
    json: Json,
    /// Whether the arguments replace those of the normalizer in `tokenizer.json`.
    pub(super) replaces: bool,
}

impl Config {
    /// Reads the file, if the folder has one.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, CheckpointError> {
        let Some(json) = Json::read_if_there(&folder.join("tokenizer_config.json"))? else { return Ok(None) };
        let class = json.text("tokenizer_class")?.unwrap_or(BERT[0]);
        if !BERT.contains(&class) && !PLAIN.contains(&class) {
            let allowed = [&BERT[..], &PLAIN].concat().join(", ");
            return Err(json.refuse("tokenizer_class", &format!("allowed: {allowed}")));
        }
        let code = json.object("auto_map")?;
        if code.is_some_and(|code| code.get("AutoTokenizer").is_some()) {
            let advice = "the tokenizer has code of its own, which this program cannot run";
            return Err(json.refuse("auto_map", advice));
        }
        if json.text("truncation_side")?.is_some_and(|side| side != "right") {
            return Err(json.refuse("truncation_side", "allowed: \"right\"; the end of a long text is cut"));
        }
        let replaces = BERT.contains(&class);
        Ok(Some(Self { json, replaces }))
    }

    /// The JSON itself.
    pub(super) fn json(&self) -> &Json {
        &self.json
    }

    /// The text of a special token such as `cls_token`.
    pub(super) fn special(&self, key: &str) -> Option<&str> {
        self.json.get(key).and_then(content)
    }

    /// The tokens of `added_tokens_decoder`, by id.
    pub(super) fn added(&self) -> Result<Vec<(u32, Value)>, CheckpointError> {
        const KEY: &str = "added_tokens_decoder";
        let Some(tokens) = self.json.object(KEY)? else { return Ok(Vec::new()) };
        let mut added = Vec::new();
        for (id, token) in tokens.entries() {
            let number = id.parse().ok().filter(|_| content(token).is_some());
            let refuse =
                || tokens.refuse(id, &format!("in {KEY}; allowed: an id, and an object with content"));
            added.push((number.ok_or_else(refuse)?, token.clone()));
        }
        added.sort_by_key(|&(id, _)| id);
        Ok(added)
    }

    /// Refuses a setting that contradicts `tokenizer.json`: whether the pre-tokenizer puts a space
    /// before a text.
    pub(super) fn check_file(&self, tokenizer: &Value) -> Result<(), CheckpointError> {
        const PREFIX: &str = "add_prefix_space";
        let class = self.json.text("tokenizer_class")?.unwrap_or_default();
        let stated = self.json.flag(PREFIX)?.or(ROBERTA.contains(&class).then_some(false));
        if let (Some(stated), Some(found)) = (stated, puts_prefix(&tokenizer["pre_tokenizer"]))
            && stated != found
        {
            let puts = if found { "puts" } else { "does not put" };
            let advice = format!(
                "and the pre_tokenizer of tokenizer.json {puts} a space before a text; \
                 save the tokenizer again with transformers, so that both files agree"
            );
            return Err(self.json.refuse(PREFIX, &advice));
        }
        Ok(())
    }

    /// Refuses tokens that `transformers` would add and that the tokenizer does not have.
    pub(super) fn check_added(&self, tokenizer: &Tokenizer) -> Result<(), CheckpointError> {
        for (id, token) in self.added()? {
            let text = content(&token).unwrap_or_default();
            if tokenizer.token(id) != Some(text) {
                let found =
                    tokenizer.token(id).map_or_else(|| "no token".to_owned(), |found| format!("{found:?}"));
                return Err(self.json.error(format!(
                    "added_tokens_decoder.{id} is {text:?}, the tokenizer has {found} there; \
                     save the tokenizer again with transformers, so that both files agree"
                )));
            }
        }
        for key in ["additional_special_tokens", "extra_special_tokens"] {
            let listed = self.json.get(key).and_then(Value::as_array);
            for token in listed.into_iter().flatten() {
                let known = content(token).is_some_and(|text| tokenizer.id(text).is_some());
                if !known {
                    let token = shown(token);
                    return Err(self
                        .json
                        .error(format!("{key} has {token}, which the tokenizer does not know")));
                }
            }
        }
        Ok(())
    }
}

/// Whether a pre-tokenizer puts a space before a text; `None` if it has no part that can.
fn puts_prefix(part: &Value) -> Option<bool> {
    match part["type"].as_str() {
        Some("Metaspace") => Some(part["prepend_scheme"] != "never" && part["add_prefix_space"] != false),
        Some("ByteLevel") => part["add_prefix_space"].as_bool(),
        _ => part["pretokenizers"].as_array()?.iter().find_map(puts_prefix),
    }
}

/// The text of a token: a text, or an object with `content`.
fn content(token: &Value) -> Option<&str> {
    token.as_str().or_else(|| token.get("content")?.as_str())
}
