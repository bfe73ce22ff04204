//! Files with the model Unigram, shaped as those of XLM-RoBERTa.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokenizers::models::unigram::UnigramTrainer;
use tokenizers::{AddedToken, Trainer};

use super::{Random, added};

pub(crate) const SPECIAL: [&str; 4] = ["<s>", "<pad>", "</s>", "<unk>"];

/// The pre-tokenizers of XLM-RoBERTa's files, old and new, and those of other converters.
pub(crate) fn pre_tokenizers() -> Vec<Value> {
    let mut all = vec![
        json!({"type": "Metaspace", "replacement": "▁", "add_prefix_space": true}),
        json!({"type": "Metaspace", "replacement": "▁", "add_prefix_space": true, "str_rep": "▁",
            "prepend_scheme": "never"}),
        json!({"type": "Metaspace", "replacement": "x", "prepend_scheme": "always", "split": true}),
        sequence(&[json!({"type": "WhitespaceSplit"}), metaspace("always", Some(true))]),
        sequence(&[json!({"type": "WhitespaceSplit"}), metaspace("never", None)]),
        sequence(&[json!({"type": "BertPreTokenizer"}), metaspace("always", Some(true))]),
        sequence(&[metaspace("always", Some(false)), json!({"type": "WhitespaceSplit"})]),
        json!({"type": "WhitespaceSplit"}),
        sequence(&[]),
        Value::Null,
    ];
    for scheme in ["always", "first", "never"] {
        all.extend([None, Some(false), Some(true)].map(|split| metaspace(scheme, split)));
    }
    all
}

pub(crate) fn metaspace(scheme: &str, split: Option<bool>) -> Value {
    let mut part = json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme});
    if let Some(split) = split {
        part["split"] = split.into();
    }
    part
}

fn sequence(parts: &[Value]) -> Value {
    json!({"type": "Sequence", "pretokenizers": parts})
}

/// What is behind `Precompiled` in the files of the converters.
pub(crate) fn with_spaces_joined(precompiled: Value) -> Value {
    json!({"type": "Sequence", "normalizers": [
        precompiled,
        {"type": "Strip", "strip_left": false, "strip_right": true},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "▁"},
    ]})
}

/// A file of these pieces, with the special tokens before them and `<mask>` behind them.
pub(crate) fn file(pieces: &[(String, f64)], normalizer: &Value, pre_tokenizer: &Value) -> Value {
    let mut vocab: Vec<Value> = SPECIAL.iter().map(|text| json!([text, 0.0])).collect();
    vocab.extend(pieces.iter().map(|(piece, score)| json!([piece, score])));
    let mask = vocab.len();
    vocab.push(json!(["<mask>", 0.0]));
    let mut tokens: Vec<Value> = (0..4).map(|id| added(id, SPECIAL[id], "special")).collect();
    tokens.push(added(mask, "<mask>", "special left"));
    let special = |id: usize| json!({"id": SPECIAL[id], "ids": [id], "tokens": [SPECIAL[id]]});
    let token = |id: usize| json!({"SpecialToken": {"id": SPECIAL[id], "type_id": 0}});
    let text = |id: &str| json!({"Sequence": {"id": id, "type_id": 0}});
    json!({
        "version": "1.0",
        "truncation": {"max_length": 8, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": null,
        "added_tokens": tokens,
        "normalizer": normalizer,
        "pre_tokenizer": pre_tokenizer,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [token(0), text("A"), token(2)],
            "pair": [token(0), text("A"), token(2), token(2), text("B"), token(2)],
            "special_tokens": {"<s>": special(0), "</s>": special(2)},
        },
        "decoder": {"type": "Metaspace", "replacement": "▁", "add_prefix_space": true},
        "model": {"type": "Unigram", "unk_id": 3, "vocab": vocab},
    })
}

/// Pieces that the trainer of `tokenizers` finds in random words of many scripts.
pub(crate) fn trained() -> Vec<(String, f64)> {
    let mut random = Random(11);
    let alphabets = [
        "etaoinshrdlucmfw",
        "éàüßøşığñ",
        "еаинтсрвлкм",
        "αβγδεηικλ",
        "の日本語にはをた",
        "的一是不了人我在",
        "אבגדהול",
        "ابتدرسلم",
        "한국어이다",
        "कतनरसह",
        "0123456789",
        "😀🌈👩",
    ];
    let mut words = BTreeMap::new();
    for _ in 0..6000 {
        let letters: Vec<char> = random.pick(&alphabets).chars().collect();
        let word: String = (0..1 + random.below(7)).map(|_| letters[random.below(letters.len())]).collect();
        *words.entry(format!("▁{word}")).or_insert(0_u32) += 1 + random.below(50) as u32;
    }
    let lines: Vec<String> = words.iter().flat_map(|(word, &n)| (0..n).map(|_| word.clone())).collect();
    let mut trainer = UnigramTrainer::builder()
        .show_progress(false)
        .vocab_size(1500)
        .unk_token(Some("<unk>".into()))
        .special_tokens(vec![AddedToken::from("<unk>", true)])
        .build()
        .unwrap();
    trainer.feed(lines.iter(), |line| Ok(vec![line.to_owned()])).unwrap();
    let mut model = tokenizers::models::unigram::Unigram::default();
    trainer.train(&mut model).unwrap();
    let mut pieces: Vec<(String, f64)> = model.iter().filter(|(text, _)| text != "<unk>").cloned().collect();
    assert!(pieces.len() > 300, "{}", pieces.len());
    pieces.extend(["▁", ",", "."].map(|text| (text.to_owned(), -5.5)));
    pieces
}
