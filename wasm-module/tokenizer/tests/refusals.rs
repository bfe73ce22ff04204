//! What is not supported, or contradicts itself, is refused by name.
#![allow(clippy::unwrap_used)]

mod support;

use lockstep_tokenizer::{Tokenizer, TokenizerError};
use serde_json::{Value, json};
use support::{added, bert_uncased, pieces};

fn refusal(change: impl FnOnce(&mut Value)) -> String {
    let mut file = bert_uncased();
    change(&mut file);
    let bytes = serde_json::to_vec(&file).unwrap();
    Tokenizer::from_json(&bytes).unwrap_err().to_string()
}

#[test]
fn other_components() {
    for (component, kind) in [
        ("model", "BPE"),
        ("model", "Unigram"),
        ("model", "WordLevel"),
        ("normalizer", "NFKC"),
        ("normalizer", "Precompiled"),
        ("normalizer", "Replace"),
        ("pre_tokenizer", "Whitespace"),
        ("pre_tokenizer", "Metaspace"),
        ("post_processor", "RobertaProcessing"),
        ("post_processor", "Sequence"),
    ] {
        let error = refusal(|file| file[component] = json!({"type": kind, "vocab": [["a", -1.5]]}));
        assert_eq!(error, format!("tokenizer.json: {component} of type {kind:?} is not supported"));
    }
    let error = refusal(|file| {
        file["normalizer"] = json!({"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "Nmt"}]})
    });
    assert_eq!(error, "tokenizer.json: normalizer of type \"Nmt\" is not supported");
    let error = refusal(|file| file["pre_tokenizer"] = json!(null));
    assert_eq!(error, "tokenizer.json: pre_tokenizer of type \"null\" is not supported");
    let error = refusal(|file| file["model"] = json!({"vocab": {}}));
    assert_eq!(error, "tokenizer.json: model of type \"(none)\" is not supported");
    let error = refusal(|file| file["version"] = json!("2.0"));
    assert_eq!(error, "tokenizer.json: version of type \"2.0\" is not supported");
}

#[test]
fn a_model_without_type_is_wordpiece() {
    let mut file = bert_uncased();
    file["model"].as_object_mut().unwrap().remove("type");
    support::Both::new("untyped", &file).check("hello world");
}

#[test]
fn vocabulary() {
    let error = refusal(|file| file["model"]["vocab"]["hello"] = json!(1 << 24));
    assert_eq!(error, "vocabulary: \"hello\" has id 16777216, allowed: less than 16777216");
    let error = refusal(|file| file["model"]["vocab"]["extra"] = json!(1));
    assert_eq!(error, "vocabulary: id 1 belongs to both \"[UNK]\" and \"extra\"");
    let error = refusal(|file| file["model"]["unk_token"] = json!("<unk>"));
    assert_eq!(error, "vocabulary: the unknown token \"<unk>\" is missing");
    let error = refusal(|file| file["model"]["vocab"]["extra"] = json!(-1));
    assert!(error.contains("invalid value: integer `-1`"), "{error}");

    let text = serde_json::to_string(&bert_uncased()).unwrap();
    let text = text.replacen("\"vocab\":{", "\"vocab\":{\"hello\":7000,", 1);
    let error = Tokenizer::from_json(text.as_bytes()).unwrap_err();
    assert!(matches!(error, TokenizerError::DuplicatePiece { piece } if piece == "hello"));
}

/// `tokenizers` loads vocabularies whose ids have holes, and numbers added tokens as if there were
/// none.
#[test]
fn ids_may_have_holes() {
    let size = pieces().len();
    let mut file = bert_uncased();
    file["model"]["vocab"]["hello"] = json!(size + 5);
    file["added_tokens"].as_array_mut().unwrap().push(added(size, "<new>", ""));
    let bytes = serde_json::to_vec(&file).unwrap();
    let ours = Tokenizer::from_json(&bytes).unwrap();
    let mut oracle = tokenizers::Tokenizer::from_bytes(&bytes).unwrap();
    oracle.with_padding(None).with_truncation(None).unwrap();
    for text in ["hello world", "say hello <new> the", "[CLS]hello"] {
        let expected = oracle.encode(text, true).unwrap();
        assert_eq!(ours.encode(text, 512).unwrap().ids, expected.get_ids(), "{text}");
    }
    assert_eq!(ours.vocab_size(), size + 6);
    assert_eq!((ours.token(size as u32 + 5), ours.id("hello")), (Some("hello"), Some(size as u32 + 5)));
    assert_eq!((ours.token(size as u32), ours.token(size as u32 + 1)), (Some("<new>"), None));
    assert_eq!(ours.id("of no token"), None);
}

#[test]
fn added_tokens() {
    let push = |token: Value| refusal(|file| file["added_tokens"].as_array_mut().unwrap().push(token));
    let size = pieces().len();
    let error = push(added(size + 1, "<new>", ""));
    assert_eq!(
        error,
        format!(
            "added token \"<new>\": the file says id {}, its place in the vocabulary is {size}",
            size + 1
        )
    );
    assert!(push(added(1, "hello", "")).starts_with("added token \"hello\": the file says id 1,"));
    assert_eq!(push(added(2, "[CLS]", "")), "added token \"[CLS]\" is listed twice");
    assert_eq!(
        push(added(size, "\u{301}", "normalized")),
        format!(
            "added token {:?}: the file says id {size}, its place in the vocabulary is {}",
            "\u{301}",
            pieces().iter().position(|p| p == "\u{301}").unwrap()
        )
    );
    assert_eq!(
        push(added(size, "\u{302}", "normalized")),
        format!("added token {:?} is empty after normalization", "\u{302}")
    );
}

#[test]
fn templates() {
    let text = |id: &str| json!({"Sequence": {"id": id, "type_id": 0}});
    let error = refusal(|file| file["post_processor"]["single"] = json!([text("A"), text("A")]));
    assert_eq!(error, "template \"single\" holds sequence A 2 times instead of 1");
    let error = refusal(|file| file["post_processor"]["single"] = json!([text("A"), text("B")]));
    assert_eq!(error, "template \"single\" holds sequence B 1 times instead of 0");
    let error = refusal(|file| file["post_processor"]["pair"] = json!([text("A")]));
    assert_eq!(error, "template \"pair\" holds sequence B 0 times instead of 1");
    let error = refusal(|file| file["post_processor"]["special_tokens"] = json!({}));
    assert_eq!(error, "template \"single\" uses the undefined special token \"[CLS]\"");
    let error = refusal(|file| file["post_processor"]["special_tokens"]["[SEP]"]["ids"] = json!([3, 90_000]));
    assert_eq!(
        error,
        format!("special token \"[SEP]\" has id 90000, outside the vocabulary of {}", pieces().len())
    );
    let error = refusal(|file| {
        file["post_processor"] =
            json!({"type": "BertProcessing", "sep": ["[SEP]", 70_000], "cls": ["[CLS]", 2]});
    });
    assert!(error.starts_with("special token \"[SEP]\" has id 70000"), "{error}");
    let error = refusal(|file| file["post_processor"]["single"][0]["SpecialToken"]["type_id"] = json!(256));
    assert!(error.contains("256"), "{error}");
}

#[test]
fn not_a_tokenizer() {
    for bytes in [
        "",
        "{}",
        "[]",
        "null",
        "{\"model\":",
        "\u{feff}{}",
        "{\"model\":{\"type\":\"WordPiece\"},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}}",
    ] {
        let error = Tokenizer::from_json(bytes.as_bytes()).unwrap_err();
        assert!(matches!(error, TokenizerError::Json(_)), "{bytes}: {error}");
    }
    assert!(Tokenizer::from_json(&[0xff, 0xfe]).is_err());
    let deep = format!("{{\"normalizer\":{}", "{\"normalizers\":[".repeat(100_000));
    assert!(Tokenizer::from_json(deep.as_bytes()).is_err());
    let whole = serde_json::to_vec(&bert_uncased()).unwrap();
    for length in (0..whole.len()).step_by(97) {
        assert!(Tokenizer::from_json(&whole[..length]).is_err());
    }
}

#[test]
fn limit_below_the_special_tokens() {
    let ours = Tokenizer::from_json(&serde_json::to_vec(&bert_uncased()).unwrap()).unwrap();
    let error = ours.encode("hello", 1).unwrap_err().to_string();
    assert_eq!(error, "a limit of 1 tokens is below the 2 special tokens");
    let error = ours.encode_pair("hello", "world", 2).unwrap_err().to_string();
    assert_eq!(error, "a limit of 2 tokens is below the 3 special tokens");
    assert_eq!(ours.encode("hello", 2).unwrap().ids, [2, 3]);
    assert_eq!(ours.encode_pair("hello", "world", 3).unwrap().ids, [2, 3, 3]);
}
