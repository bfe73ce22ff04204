//! Tokenizers: the settings of `tokenizer_config.json`, `vocab.txt` alone, added tokens.
//!
//! What is expected here was compared with transformers 5.24.

use lockstep_tokenizer::Tokenizer;
use serde_json::{Value, json};

use super::{Folder, Outcome};

fn normalizer(outcome: &Outcome) -> Value {
    let file: Value = serde_json::from_slice(&outcome.bytes("tokenizer.json")).unwrap();
    file["normalizer"].clone()
}

fn bert(lowercase: bool, chinese: bool, accents: Option<bool>) -> Value {
    json!({"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": chinese,
        "strip_accents": accents, "lowercase": lowercase})
}

#[test]
fn settings_beside_the_tokenizer_win() {
    let class = "BertTokenizer";
    for (file, config, expected, note) in [
        (bert(true, true, None), json!({}), bert(true, true, None), None),
        (
            bert(true, true, None),
            json!({"do_lower_case": true, "strip_accents": null, "tokenize_chinese_chars": true}),
            bert(true, true, None),
            None,
        ),
        (
            bert(true, true, None),
            json!({"do_lower_case": false, "tokenizer_class": class}),
            bert(false, true, None),
            Some(["says do_lower_case", "lowercase is false"]),
        ),
        (
            bert(false, true, None),
            json!({"tokenizer_class": class}),
            bert(true, true, None),
            Some(["says nothing of do_lower_case", "lowercase is true"]),
        ),
        (
            bert(true, true, None),
            json!({"strip_accents": false, "tokenize_chinese_chars": false, "tokenizer_class": "BertTokenizerFast"}),
            bert(true, false, Some(false)),
            Some(["says strip_accents", "strip_accents is false"]),
        ),
        (
            bert(true, true, None),
            json!({"do_lower_case": false, "tokenizer_class": "PreTrainedTokenizerFast"}),
            bert(true, true, None),
            None,
        ),
    ] {
        let folder = Folder::small();
        folder.json("tokenizer.json", |t| t["normalizer"] = file);
        folder.write("tokenizer_config.json", config.to_string());
        let outcome = folder.quantize_with(&["--pooling", "mean"]);
        assert_eq!(normalizer(&outcome), expected, "{config}");
        match note {
            Some(words) => outcome.noted(&["tokenizer_config.json", words[0], words[1]]),
            None => assert_eq!(outcome.notes(), [""; 0], "{config}"),
        }
    }
    let folder = Folder::small();
    folder.json("tokenizer.json", |t| t["normalizer"] = bert(false, true, None));
    let outcome = folder.quantize();
    outcome.noted(&["keeps capital letters", "there is no tokenizer_config.json"]);
    assert_eq!(normalizer(&outcome), bert(false, true, None));
}

#[test]
fn the_lower_case_of_sentence_transformers_comes_first() {
    let folder = Folder::small();
    folder.write("sentence_bert_config.json", r#"{"do_lower_case": true}"#);
    assert_eq!(normalizer(&folder.quantize()), bert(true, true, None));
    folder.json("tokenizer.json", |t| t["normalizer"] = bert(false, true, None));
    let expected =
        json!({"type": "Sequence", "normalizers": [{"type": "Lowercase"}, bert(false, true, None)]});
    assert_eq!(normalizer(&folder.quantize()), expected);
    folder.json("tokenizer.json", |t| t["normalizer"] = Value::Null);
    assert_eq!(
        normalizer(&folder.quantize()),
        json!({"type": "Sequence", "normalizers": [{"type": "Lowercase"}]})
    );
}

#[test]
fn tokenizers_that_differ_are_refused() {
    for (config, words) in [
        (json!({"tokenizer_class": "BertJapaneseTokenizer"}), "tokenizer_class is \"BertJapaneseTokenizer\""),
        (json!({"truncation_side": "left"}), "truncation_side is \"left\""),
        (json!({"auto_map": {"AutoTokenizer": ["own.Tokenizer", null]}}), "auto_map is {"),
        (json!({"add_prefix_space": "no"}), "add_prefix_space is \"no\""),
        (json!({"do_lower_case": "yes"}), "do_lower_case is \"yes\""),
        (json!({"added_tokens_decoder": {"400": {"content": "<x>"}}}), "added_tokens_decoder.400 is \"<x>\""),
        (json!({"added_tokens_decoder": {"x": {"content": "<x>"}}}), "x is {"),
        (json!({"additional_special_tokens": ["[CLS]", "<x>"]}), "additional_special_tokens has \"<x>\""),
        (json!({"extra_special_tokens": [{"content": "<y>"}]}), "extra_special_tokens has {"),
    ] {
        let folder = Folder::small();
        folder.write("tokenizer_config.json", config.to_string());
        folder.quantize().refused(&["tokenizer_config.json", words]);
    }
    let folder = Folder::small();
    folder.write(
        "tokenizer_config.json",
        r#"{"added_tokens_decoder": {"0": {"content": "[PAD]"}}, "truncation_side": "right"}"#,
    );
    folder.quantize().encoder();
}

/// The same tokens as with the `tokenizer.json` that goes with the vocabulary.
#[test]
fn a_vocabulary_alone_is_enough() {
    let folder = Folder::small();
    let open = |folder: &Folder| Tokenizer::from_json(&folder.quantize().bytes("tokenizer.json")).unwrap();
    let texts = ["The Bank pays CASH, café 中文 unheardof!", "[CLS] a [MASK] b", "", "one two"];
    let tokens = |t: &Tokenizer| {
        let pair = t.encode_pair(texts[0], texts[3], 40).unwrap();
        texts.map(|text| t.encode(text, 40).unwrap()).into_iter().chain([pair]).collect::<Vec<_>>()
    };
    let expected = tokens(&open(&folder));
    folder.remove("tokenizer.json");
    assert_eq!(tokens(&open(&folder)), expected);
    folder.quantize().noted(&["there is no tokenizer.json", "vocab.txt"]);
    // Lines of Windows, and no line end at the end.
    let lines = String::from_utf8(folder.read("vocab.txt")).unwrap();
    folder.write("vocab.txt", lines.trim_end().replace('\n', "\r\n"));
    assert_eq!(tokens(&open(&folder)), expected);
    folder.write("tokenizer_config.json", r#"{"do_lower_case": false}"#);
    assert_ne!(tokens(&open(&folder)), expected);
    // Of equal lines the last one counts, and the first one's id has no token.
    folder.remove("tokenizer_config.json");
    folder.write("vocab.txt", lines.replacen("\nbank\n", "\nwater\n", 1));
    assert!(open(&folder).id("bank").is_none());
    folder.write("vocab.txt", lines.replacen("[CLS]", "<cls>", 1));
    folder.quantize().refused(&["vocab.txt", "cls_token", "\"[CLS]\""]);
    folder.write("tokenizer_config.json", r#"{"cls_token": {"content": "<cls>"}}"#);
    assert_eq!(tokens(&open(&folder))[3], expected[3]);
    folder.write("vocab.txt", b"caf\xe9");
    folder.quantize().refused(&["vocab.txt", "UTF-8"]);
}

#[test]
fn tokens_may_be_added_to_a_vocabulary() {
    for (name, text) in [
        ("added_tokens.json", r#"{"<new>": 400}"#),
        (
            "tokenizer_config.json",
            r#"{"added_tokens_decoder": {"0": {"content": "[PAD]"}, "400": {"content": "<new>", "special": true}}}"#,
        ),
    ] {
        let folder = Folder::small();
        folder.remove("tokenizer.json");
        folder.write(name, text);
        folder.quantize().refused(&["401 tokens", "vocab_size 400"]);
        folder.set("vocab_size", 401);
        folder.tensors(|tensors| {
            let (_, shape, bytes) = tensors
                .iter_mut()
                .find_map(|(name, t)| name.ends_with("word_embeddings.weight").then_some(t))
                .unwrap();
            shape[0] += 1;
            bytes.extend([0; 128]);
        });
        let file = folder.quantize().bytes("tokenizer.json");
        let ids = Tokenizer::from_json(&file).unwrap().encode("one <new> two", 40).unwrap().ids;
        assert!(ids.contains(&400), "{name}: {ids:?}");
    }
}

/// A Unigram tokenizer of the words of the tiny vocabulary.
fn unigram(folder: &Folder, words: Value) {
    folder.json("tokenizer.json", |file| {
        let pieces = file["model"]["vocab"].as_object().unwrap();
        let mut vocab = vec![Value::Null; pieces.len()];
        for (piece, id) in pieces {
            let text = match piece.strip_prefix("##") {
                Some(rest) => rest.to_owned(),
                None if piece.starts_with('[') && piece.len() > 1 => piece.clone(),
                None => format!("▁{piece}"),
            };
            vocab[id.as_u64().unwrap() as usize] = json!([text, -(text.len() as f64).recip()]);
        }
        file["normalizer"] = json!({"type": "Lowercase"});
        file["pre_tokenizer"] = words;
        file["model"] = json!({"type": "Unigram", "unk_id": 1, "vocab": vocab});
    });
}

#[test]
fn unigram_tokenizers_are_carried() {
    let split = json!({"type": "WhitespaceSplit"});
    let metaspace = json!({"type": "Metaspace", "replacement": "▁", "add_prefix_space": true});
    let folder = Folder::small();
    unigram(&folder, json!({"type": "Sequence", "pretokenizers": [split, metaspace]}));
    folder.write(
        "tokenizer_config.json",
        r#"{"tokenizer_class": "XLMRobertaTokenizer", "add_prefix_space": true}"#,
    );
    let outcome = folder.quantize_with(&["--pooling", "mean"]);
    assert_eq!(outcome.notes(), [""; 0]);
    let tokenizer = Tokenizer::from_json(&outcome.bytes("tokenizer.json")).unwrap();
    let ids = tokenizer.encode("the bank", 40).unwrap().ids;
    let tokens: Vec<&str> = ids.iter().map(|&id| tokenizer.token(id).unwrap()).collect();
    assert_eq!(tokens, ["[CLS]", "▁the", "▁bank", "[SEP]"]);
    folder.write(
        "tokenizer_config.json",
        r#"{"tokenizer_class": "XLMRobertaTokenizer", "add_prefix_space": false}"#,
    );
    folder.quantize().refused(&[
        "tokenizer_config.json",
        "add_prefix_space is false",
        "pre_tokenizer",
        "save",
    ]);
}

/// A byte-level BPE of single bytes and one word.
fn byte_level(folder: &Folder, prefix: bool) {
    folder.json("tokenizer.json", |file| {
        let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(str::to_owned);
        // The visible characters of bytes, in any order.
        let visible = ('!'..='~').chain('¡'..='¬').chain('®'..='ÿ').chain('Ā'..='Ń').map(String::from);
        let pieces = special.into_iter().chain(visible).chain(["Ġt", "he", "Ġthe"].map(str::to_owned));
        let vocab: serde_json::Map<String, Value> = pieces.zip(0..).map(|(p, id)| (p, json!(id))).collect();
        let merges = [["Ġ", "t"], ["h", "e"], ["Ġt", "he"]];
        file["normalizer"] = Value::Null;
        file["pre_tokenizer"] =
            json!({"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": true});
        file["post_processor"] = json!({"type": "RobertaProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2],
            "trim_offsets": true, "add_prefix_space": prefix});
        file["model"] = json!({"type": "BPE", "vocab": vocab, "merges": merges});
    });
}

#[test]
fn byte_level_tokenizers_are_carried() {
    let folder = Folder::small();
    byte_level(&folder, false);
    folder.write("tokenizer_config.json", r#"{"tokenizer_class": "RobertaTokenizer"}"#);
    let outcome = folder.quantize_with(&["--pooling", "mean"]);
    let tokenizer = Tokenizer::from_json(&outcome.bytes("tokenizer.json")).unwrap();
    let ids = tokenizer.encode("a the", 40).unwrap().ids;
    let tokens: Vec<&str> = ids.iter().map(|&id| tokenizer.token(id).unwrap()).collect();
    assert_eq!(tokens, ["[CLS]", "a", "Ġthe", "[SEP]"]);
    // RoBERTa's class puts no space before a text unless the file says so.
    byte_level(&folder, true);
    folder.quantize().refused(&["tokenizer_config.json", "add_prefix_space is missing", "puts a space"]);
    folder.write(
        "tokenizer_config.json",
        r#"{"tokenizer_class": "RobertaTokenizer", "add_prefix_space": true}"#,
    );
    folder.quantize().encoder();
}

#[test]
fn tokenizers_of_other_kinds_are_named_with_the_way_out() {
    for name in ["sentencepiece.bpe.model", "spiece.model", "vocab.json"] {
        let folder = Folder::small();
        folder.write(name, b"x");
        folder.quantize().encoder();
        folder.remove("tokenizer.json");
        folder.remove("vocab.txt");
        folder.quantize().refused(&[name, "there is no tokenizer.json", "AutoTokenizer", "save_pretrained"]);
    }
}

#[test]
fn the_side_that_is_cut_is_the_right_one() {
    let folder = Folder::small();
    folder.json("tokenizer.json", |file| {
        file["truncation"] =
            json!({"direction": "Left", "max_length": 16, "strategy": "LongestFirst", "stride": 0});
    });
    folder.quantize().refused(&["tokenizer.json", "truncation.direction is \"Left\"", "Right"]);
    folder.write("tokenizer_config.json", r#"{"truncation_side": "right"}"#);
    folder.quantize().encoder();
}
