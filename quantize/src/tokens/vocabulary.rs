//! Makes `tokenizer.json` of `vocab.txt`, as transformers does for a BERT checkpoint.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::normalizer::KEYS;
use super::settings::Config;
use crate::checkpoint::{CheckpointError, Json, read_file};

/// The special tokens, and their texts unless a file says otherwise.
const SPECIAL: [(&str, &str); 5] = [
    ("pad_token", "[PAD]"),
    ("unk_token", "[UNK]"),
    ("cls_token", "[CLS]"),
    ("sep_token", "[SEP]"),
    ("mask_token", "[MASK]"),
];

/// The tokenizer of a vocabulary: a piece a line, whose number is its id.
pub(super) fn tokenizer(path: &Path, config: Option<&Config>) -> Result<Value, CheckpointError> {
    let fail = |reason: String| CheckpointError::Config { path: path.into(), reason };
    let text = String::from_utf8(read_file(path)?).map_err(|e| fail(format!("not UTF-8: {e}")))?;
    let vocabulary = pieces(&text);
    let special = SPECIAL.map(|(key, text)| (key, config.and_then(|c| c.special(key)).unwrap_or(text)));
    let id = |text: &str| vocabulary.get(text).cloned();
    let missing = |key: &str, text: &str| fail(format!("the {key} {text:?} is not in it"));
    let mut added = Vec::new();
    for (key, text) in special {
        match id(text) {
            Some(id) => added.push(token(id, text)),
            // The other two stand in no sequence of this program.
            None if ["unk_token", "cls_token", "sep_token"].contains(&key) => return Err(missing(key, text)),
            None => {}
        }
    }
    for (content, id) in more(path, config)? {
        if added.iter().all(|token| token["content"] != content["content"]) {
            let mut content = content;
            content["id"] = id.into();
            added.push(content);
        }
    }
    let [_, (_, unknown), (_, cls), (_, sep), _] = special;
    let piece = |text: &str, type_id: u8| json!({"SpecialToken": {"id": text, "type_id": type_id}});
    let sequence = |name: &str, type_id: u8| json!({"Sequence": {"id": name, "type_id": type_id}});
    let single = vec![piece(cls, 0), sequence("A", 0), piece(sep, 0)];
    let pair = [single.clone(), vec![sequence("B", 1), piece(sep, 1)]].concat();
    let define = |text: &str| json!({"id": text, "ids": [id(text)], "tokens": [text]});
    let mut normalizer = json!({"type": "BertNormalizer", "clean_text": true});
    for (_, field, default) in KEYS {
        normalizer[field] = default.map_or(Value::Null, Value::Bool);
    }
    Ok(json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": normalizer,
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": single,
            "pair": pair,
            "special_tokens": {cls: define(cls), sep: define(sep)},
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {
            "type": "WordPiece",
            "unk_token": unknown,
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": vocabulary,
        },
    }))
}

/// The pieces with their ids. Lines end as Python reads them; of equal lines the last one counts.
fn pieces(text: &str) -> Map<String, Value> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines = text.strip_suffix('\n').unwrap_or(&text).split('\n');
    lines.enumerate().map(|(id, line)| (line.to_owned(), id.into())).collect()
}

fn token(id: Value, content: &str) -> Value {
    json!({
        "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": true,
    })
}

/// The tokens of `added_tokens_decoder`, or of `added_tokens.json`, by id.
fn more(path: &Path, config: Option<&Config>) -> Result<Vec<(Value, u32)>, CheckpointError> {
    let mut found = Vec::new();
    for (id, token) in config.map(Config::added).transpose()?.unwrap_or_default() {
        let special = token["special"].as_bool().unwrap_or(false);
        let flag = |key: &str| token[key].as_bool().unwrap_or(key == "normalized" && !special);
        found.push((
            json!({
                "content": token["content"], "single_word": flag("single_word"), "lstrip": flag("lstrip"),
                "rstrip": flag("rstrip"), "normalized": flag("normalized"), "special": special,
            }),
            id,
        ));
    }
    if found.is_empty()
        && let Some(json) = Json::read_if_there(&path.with_file_name("added_tokens.json"))?
    {
        for (content, _) in json.entries() {
            let id = json.count(content)?.and_then(|id| u32::try_from(id).ok());
            let id = id.ok_or_else(|| json.refuse(content, "allowed: an id"))?;
            let mut token = token(id.into(), content);
            (token["normalized"], token["special"]) = (true.into(), false.into());
            found.push((token, id));
        }
        found.sort_by_key(|&(_, id)| id);
    }
    Ok(found)
}
