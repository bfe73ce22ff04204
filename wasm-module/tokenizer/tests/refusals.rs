//! What is not supported, or contradicts itself, is refused by name.
#![allow(clippy::unwrap_used)]

mod support;

use lockstep_tokenizer::{Tokenizer, TokenizerError};
use serde_json::{Value, json};
use support::unigram::metaspace;
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
        ("model", "WordLevel"),
        ("normalizer", "NFKC"),
        ("normalizer", "Nmt"),
        ("pre_tokenizer", "Whitespace"),
        ("pre_tokenizer", "Digits"),
        ("post_processor", "ByteLevel"),
        ("post_processor", "Sequence"),
    ] {
        let error = refusal(|file| file[component] = json!({"type": kind, "vocab": [["a", -1.5]]}));
        assert_eq!(error, format!("tokenizer.json: {component} of type {kind:?} is not supported"));
    }
    let error = refusal(|file| {
        file["normalizer"] = json!({"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "Nmt"}]})
    });
    assert_eq!(error, "tokenizer.json: normalizer of type \"Nmt\" is not supported");
    let error = refusal(|file| file["pre_tokenizer"] = json!({}));
    assert_eq!(error, "tokenizer.json: pre_tokenizer of type \"(none)\" is not supported");
    let error = refusal(|file| file["model"] = json!({"vocab": {}}));
    assert_eq!(error, "tokenizer.json: model of type \"(none)\" is not supported");
    let error = refusal(|file| file["version"] = json!("2.0"));
    assert_eq!(error, "tokenizer.json: version of type \"2.0\" is not supported");
}

#[test]
fn parts_of_unigram_tokenizers() {
    let pieces = [("a".to_owned(), -1.0), ("b".to_owned(), -2.0)];
    let refusal = |change: &dyn Fn(&mut Value)| {
        let mut file = support::unigram::file(&pieces, &Value::Null, &metaspace("always", None));
        change(&mut file);
        Tokenizer::from_json(&serde_json::to_vec(&file).unwrap()).unwrap_err().to_string()
    };
    for (id, shown) in [(json!(null), "null"), (json!(7), "7")] {
        let error = refusal(&|file| file["model"]["unk_id"] = id.clone());
        assert_eq!(error, format!("model: unk_id is {shown}, allowed: the index of one of the 7 pieces"));
    }
    let error = refusal(&|file| file["model"]["vocab"] = json!([]));
    assert_eq!(error, "model: unk_id is 3, allowed: the index of one of the 0 pieces");
    let error = refusal(&|file| file["model"]["vocab"][2] = json!(["x"]));
    assert!(error.contains("tuple"), "{error}");
    let replace = |pattern: Value| json!({"type": "Replace", "pattern": pattern, "content": ""});
    for (normalizer, words) in [
        (replace(json!({"Regex": "a*"})), "Replace of the pattern a*"),
        (replace(json!({"String": ""})), "Replace of an empty pattern"),
    ] {
        let error = refusal(&|file| file["normalizer"] = normalizer.clone());
        assert_eq!(error, format!("tokenizer.json: normalizer of type {words:?} is not supported"));
    }
    let mut map = support::charsmap::bytes(&support::charsmap::nfkc());
    let units = u32::from_le_bytes([map[0], map[1], map[2], map[3]]);
    let encoded = |bytes: &[u8]| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes);
    let mut maps = vec![("?".to_owned(), "it is not base64"), (encoded(&map[..3]), "it has no size")];
    maps.push((encoded(&map[..units as usize]), "its trie ends early"));
    maps.push((encoded(&[0; 9]), "its trie is empty"));
    map.push(0xff);
    maps.push((encoded(&map), "its replacements are not UTF-8"));
    for (map, words) in maps {
        let part = json!({"type": "Precompiled", "precompiled_charsmap": map});
        let error = refusal(&|file| file["normalizer"] = part.clone());
        assert_eq!(error, format!("normalizer Precompiled: precompiled_charsmap: {words}"));
    }
    let mut old = metaspace("always", None);
    old["add_prefix_space"] = json!(false);
    let error = refusal(&|file| file["pre_tokenizer"] = old.clone());
    assert!(error.contains("add_prefix_space false"), "{error}");
    let split = json!({"type": "WhitespaceSplit"});
    let words = json!({"type": "Sequence", "pretokenizers": [split, metaspace("first", None)]});
    let error = refusal(&|file| file["pre_tokenizer"] = words.clone());
    assert!(error.contains("prepend_scheme first, behind these"), "{error}");
    let error = refusal(&|file| {
        file["pre_tokenizer"] = metaspace("first", None);
        file["normalizer"] = json!({"type": "Strip", "strip_left": true, "strip_right": true});
    });
    assert!(error.contains("prepend_scheme first, behind these"), "{error}");
}

#[test]
fn parts_of_byte_level_tokenizers() {
    let base = support::bpe::file(&[], false);
    let refusal = |change: &dyn Fn(&mut Value)| {
        let mut file = base.clone();
        change(&mut file);
        Tokenizer::from_json(&serde_json::to_vec(&file).unwrap()).unwrap_err().to_string()
    };
    for (key, value) in [
        ("dropout", json!(0.1)),
        ("continuing_subword_prefix", json!("##")),
        ("end_of_word_suffix", json!("</w>")),
        ("byte_fallback", json!(true)),
    ] {
        let error = refusal(&|file| file["model"][key] = value.clone());
        assert_eq!(error, format!("tokenizer.json: model of type \"BPE with {key}\" is not supported"));
    }
    let error = refusal(&|file| drop(file["model"]["vocab"].as_object_mut().unwrap().remove("Ġ")));
    assert!(error.contains("\"\u{120}\"") || error.contains('Ġ'), "{error}");
    assert!(error.contains("byte 0x20"), "{error}");
    for merge in [json!(["a", "b"]), json!("a"), json!("a b c"), json!(["a", "zz"])] {
        let error = refusal(&|file| file["model"]["merges"] = json!([merge]));
        assert_eq!(error, "merges: number 0 is not two pieces that make a piece of the vocabulary");
    }
    let error = refusal(&|file| file["model"]["merges"] = json!([1]));
    assert!(error.starts_with("tokenizer.json: "), "{error}");
    let bert = json!({"type": "BertPreTokenizer"});
    let error = refusal(&|file| file["pre_tokenizer"] = bert.clone());
    assert!(error.contains("BPE without the pre-tokenizer ByteLevel"), "{error}");
    let error = refusal(&|file| {
        let bytes = file["pre_tokenizer"].take();
        file["pre_tokenizer"] = json!({"type": "Sequence", "pretokenizers": [bytes, bert]});
    });
    assert!(error.contains("ByteLevel before other pre-tokenizers"), "{error}");
    let mut file = bert_uncased();
    file["pre_tokenizer"] = base["pre_tokenizer"].clone();
    let error = Tokenizer::from_json(&serde_json::to_vec(&file).unwrap()).unwrap_err().to_string();
    assert!(error.contains("ByteLevel before another model than BPE"), "{error}");
}

/// A trie that leads nowhere gives no replacement.
#[test]
fn a_damaged_trie_panics_nowhere() {
    let whole = support::charsmap::bytes(&support::charsmap::nfkc());
    let mut random = support::Random(12);
    let units = u32::from_le_bytes([whole[0], whole[1], whole[2], whole[3]]) as usize;
    for _ in 0..20 {
        let mut map = whole.clone();
        for _ in 0..units / 8 {
            map[4 + random.below(units)] = random.next() as u8;
        }
        let map = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, map);
        let part = json!({"type": "Precompiled", "precompiled_charsmap": map});
        let file = support::unigram::file(&[], &part, &metaspace("always", None));
        let ours = Tokenizer::from_json(&serde_json::to_vec(&file).unwrap()).unwrap();
        for _ in 0..200 {
            assert!(!ours.encode(&random.text(20, &["①"]), 512).unwrap().ids.is_empty());
        }
    }
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
