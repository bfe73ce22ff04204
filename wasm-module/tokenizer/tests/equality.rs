//! Ids and type ids equal those of Hugging Face `tokenizers`.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::json;
use support::{Both, Random, bert_normalizer, bert_uncased, checkpoint, corpus, file, hostile, normalizers};

const WORDS: &[&str] = &[
    "hello", "the", "under", "stand", "abc", "naïve", "CAFÉ", "中文", "한국", "İ", "ΣΑΣ", "[CLS]", "[SEP]",
    "[MASK]", "[mask]", "##ing",
];

#[test]
fn hostile_texts_under_every_normalizer() {
    let texts = hostile();
    for normalizer in normalizers() {
        let both = Both::new(normalizer.to_string(), &file(normalizer.clone()));
        for text in &texts {
            both.check(text);
            both.check_words(text);
        }
    }
}

#[test]
fn every_code_point_between_letters() {
    let planes = |last: u32| (0..=last).chain(0xe_0000..=0xe_0fff).filter_map(char::from_u32);
    for (normalizer, last) in [
        (bert_normalizer(true, true, None, true), 0x10_ffff),
        (bert_normalizer(false, false, Some(false), true), 0x10_ffff),
        (bert_normalizer(true, true, Some(true), false), 0x3_1fff),
        (json!({"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}]}), 0x3_1fff),
    ] {
        let both = Both::new(normalizer.to_string(), &file(normalizer.clone()));
        let mut text = String::new();
        for c in planes(last) {
            text.extend(['x', c, 'y', ' ']);
            if text.len() > 512 {
                both.check_words(&text);
                text.clear();
            }
        }
        both.check_words(&text);
    }
}

#[test]
fn every_code_point_after_marks_and_before_marks() {
    // Canonical order: marks of all combining classes around each character that may have a class.
    let both = Both::new("order", &file(bert_normalizer(false, true, Some(true), true)));
    let decompose = Both::new("order, NFD", &file(json!({"type": "NFD"})));
    for first in (0..0x2_0000_u32).step_by(512) {
        let text: String = (first..first + 512)
            .filter_map(char::from_u32)
            .flat_map(|c| ['x', '\u{301}', '\u{93e}', c, '\u{316}', '\u{5b0}', ' '])
            .collect();
        both.check_words(&text);
        decompose.check_words(&text);
    }
}

#[test]
fn random_texts() {
    let mut random = Random(1);
    for normalizer in normalizers() {
        let both = Both::new(normalizer.to_string(), &file(normalizer.clone()));
        for _ in 0..200 {
            let text = random.text(40, WORDS);
            both.check(&text);
            both.check_words(&text);
            both.check_pair(&text, &random.text(10, WORDS));
        }
    }
}

#[test]
fn random_words_of_a_small_alphabet() {
    // Mostly known pieces: longest match, unknown words after partial matches, the length limit.
    let both = Both::new("pieces", &bert_uncased());
    let mut random = Random(2);
    let parts = [
        "a", "b", "c", "ab", "abc", "un", "under", "stand", "ing", "caf", "é", "z", "ł", "中", "12", "3", " ",
    ];
    for _ in 0..3000 {
        let text: String = (0..random.below(30)).map(|_| random.pick(&parts)).collect();
        both.check(&text);
    }
}

#[test]
fn limits() {
    let mut both = Both::new("limits", &bert_uncased());
    let texts: Vec<String> = (0..9).map(|words| format!("a{}", " b".repeat(words))).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).chain(["", "the unaffable"]).collect();
    for a in &texts {
        for b in &texts {
            for limit in 3..24 {
                both.check_limit(a, b, limit);
            }
        }
    }
    let mut random = Random(3);
    for _ in 0..300 {
        let limit = 3 + random.below(60);
        both.check_limit(&random.text(40, WORDS), &random.text(40, WORDS), limit);
    }
}

#[test]
fn templates() {
    let token = |id: &str, type_id: u8| json!({"SpecialToken": {"id": id, "type_id": type_id}});
    let text = |id: &str, type_id: u8| json!({"Sequence": {"id": id, "type_id": type_id}});
    let mut odd = bert_uncased();
    odd["post_processor"]["single"] = json!([text("A", 7), token("[SEP]", 3)]);
    odd["post_processor"]["pair"] =
        json!([token("[SEP]", 9), text("B", 255), token("[CLS]", 1), token("[CLS]", 0), text("A", 2)]);
    odd["post_processor"]["special_tokens"]["[SEP]"]["ids"] = json!([3, 4, 3]);
    odd["post_processor"]["special_tokens"]["[SEP]"]["tokens"] = json!(["[SEP]", "[MASK]", "[SEP]"]);
    let mut bert = bert_uncased();
    bert["post_processor"] = json!({"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]});
    let mut none = bert_uncased();
    none["post_processor"] = json!(null);
    for (name, file, special) in
        [("odd", odd, [3, 5]), ("BertProcessing", bert, [2, 3]), ("none", none, [0, 0])]
    {
        let mut both = Both::new(name, &file);
        assert_eq!([both.ours.special_tokens(), both.ours.special_tokens_of_pair()], special);
        for limit in special[1]..20 {
            both.check_limit("hello the world", "understanding [SEP] naïve 中文", limit);
            both.check_limit("understanding abcab", "a", limit);
            both.check_limit("", "", limit);
        }
    }
}

#[test]
fn other_prefix_and_length_limit() {
    for (prefix, limit) in [("##", 0), ("##", 1), ("##", 3), ("", 20), ("a", 20), ("é", 20), ("@@", 20)] {
        let mut file = bert_uncased();
        file["model"]["continuing_subword_prefix"] = json!(prefix);
        file["model"]["max_input_chars_per_word"] = json!(limit);
        let both = Both::new(format!("prefix {prefix:?}, limit {limit}"), &file);
        for text in hostile() {
            both.check(&text);
        }
    }
}

#[test]
fn corpus_under_cased_and_uncased() {
    let Some(texts) = corpus("tokenizer: corpus_under_cased_and_uncased") else { return };
    let cased = file(bert_normalizer(true, true, Some(false), false));
    for file in [cased, bert_uncased()] {
        let both = Both::new("corpus", &file);
        for text in &texts {
            both.check(text);
            both.check_words(text);
        }
    }
}

#[test]
fn checkpoint_on_all_texts() {
    let Some(mut both) = checkpoint("tokenizer: checkpoint_on_all_texts") else { return };
    let corpus = corpus("tokenizer: checkpoint_on_all_texts, texts of the corpus");
    let texts = [hostile(), corpus.unwrap_or_default()].concat();
    for (index, text) in texts.iter().enumerate() {
        both.check(text);
        both.check_words(text);
        let other = &texts[(index * 7 + 1) % texts.len()];
        if text.len() + other.len() < 2000 {
            both.check_limit(text, other, 3 + index % 126);
        }
    }
    let mut random = Random(4);
    for _ in 0..1000 {
        both.check(&random.text(60, WORDS));
    }
}
