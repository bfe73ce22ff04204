//! Ids of byte-level BPE tokenizers equal those of Hugging Face `tokenizers`.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::{Both, Random, added, bpe, corpus, hostile};

/// Random texts: more are played by hand after a change of the tokenizer.
const STRINGS: usize = 20_000;

const WORDS: &[&str] = &[
    "<s>",
    "</s>",
    "<unk>",
    "<mask>",
    "  <mask> ",
    "'s",
    "'ll",
    "don't",
    " the",
    "  ",
    " \n",
    "12",
    "½",
    "日本",
    "Ġ",
    "aaaa",
];

fn trained(prefix_space: bool) -> Value {
    bpe::file(&bpe::texts(2000), prefix_space)
}

#[test]
fn hostile_texts() {
    let mut random = Random(22);
    let both = Both::new("trained", &trained(false));
    let mut count = 0;
    for _ in 0..STRINGS {
        count += both.check(&random.text(12, WORDS));
    }
    assert!(count > 8 * STRINGS, "{count} tokens");
}

#[test]
fn settings_of_the_pre_tokenizer() {
    let (mut random, texts) = (Random(23), [hostile(), bpe::texts(300)].concat());
    let file = trained(true);
    let byte_level = |prefix: bool, split: bool| json!({"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": false, "use_regex": split});
    let mut all: Vec<Value> = [(true, true), (true, false), (false, true), (false, false)]
        .into_iter()
        .map(|(prefix, split)| byte_level(prefix, split))
        .collect();
    all.push(
        json!({"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, byte_level(true, true)]}),
    );
    for pre_tokenizer in all {
        let mut file = file.clone();
        file["pre_tokenizer"] = pre_tokenizer.clone();
        let mut both = Both::new(pre_tokenizer.to_string(), &file);
        for text in &texts {
            both.check(text);
            both.check_words(text);
        }
        for _ in 0..200 {
            both.check_limit(&random.text(20, WORDS), &random.text(20, WORDS), 4 + random.below(30));
        }
    }
}

#[test]
fn every_code_point_between_words() {
    let both = Both::new("planes", &trained(false));
    let mut text = String::new();
    for c in (0..=0x10_ffff).filter_map(char::from_u32) {
        text.extend(['x', c, '1', ' ', c, c, '.', c]);
        if text.len() > 512 {
            both.check_words(&text);
            text.clear();
        }
    }
    both.check_words(&text);
    both.check(&text);
}

/// Merges in a random order, with pairs that occur twice, and pieces that no merge makes.
#[test]
fn merges_in_any_order() {
    let mut random = Random(24);
    let base = bpe::file(&[], false);
    for round in 0..100 {
        let mut file = base.clone();
        let vocab = file["model"]["vocab"].as_object_mut().unwrap();
        let mut pieces = vec!["a".to_owned(), "b".to_owned(), "Ġ".to_owned(), "Ã".to_owned(), "©".to_owned()];
        let mut merges = Vec::new();
        for _ in 0..30 {
            let (left, right) = (&pieces[random.below(pieces.len())], &pieces[random.below(pieces.len())]);
            let merged = format!("{left}{right}");
            let pair = if round % 2 == 0 { json!([left, right]) } else { json!(format!("{left} {right}")) };
            let at = random.below(merges.len() + 1);
            merges.insert(at, pair);
            let next = vocab.len();
            vocab.entry(merged.clone()).or_insert(next.into());
            pieces.push(merged);
        }
        if round % 2 == 1 {
            merges.insert(0, json!("#version: 0.2"));
        }
        file["model"]["merges"] = merges.into();
        file["model"]["ignore_merges"] = json!(round % 3 == 0);
        file["model"]["unk_token"] = if round % 5 == 0 { json!("<unk>") } else { Value::Null };
        if round % 7 == 0 {
            file["model"].as_object_mut().unwrap().remove("type");
        }
        let both = Both::new(format!("round {round}"), &file);
        for _ in 0..100 {
            both.check(
                &(0..random.below(30))
                    .map(|_| random.pick(&["a", "b", " ", "é", "ab", "aa"]))
                    .collect::<String>(),
            );
        }
    }
}

#[test]
fn added_tokens_of_every_kind() {
    let mut random = Random(25);
    let base = trained(true);
    let next = base["model"]["vocab"].as_object().unwrap().len();
    for flags in 0..32_u32 {
        let names = ["special", "normalized", "single", "left", "right"];
        let flags: String =
            names.iter().enumerate().filter(|(i, _)| flags >> i & 1 == 1).map(|(_, n)| *n).collect();
        let mut file = base.clone();
        file["added_tokens"].as_array_mut().unwrap().push(added(next, "NEW", &flags));
        let both = Both::new(flags, &file);
        for _ in 0..150 {
            both.check(&random.text(8, &["NEW", " ", "x", "<mask>"]));
        }
    }
}

#[test]
fn very_long_words_and_texts() {
    let mut file = trained(false);
    let both = Both::new("long", &file);
    file["pre_tokenizer"]["use_regex"] = json!(false);
    let whole = Both::new("long, unsplit", &file);
    for part in ["a", "ab", "é", "😀", " ", " \n", "1", ".", "the cat "] {
        let text = part.repeat(20_000 / part.len());
        both.check(&text);
        whole.check(&text);
    }
}

#[test]
fn the_corpus() {
    let Some(texts) = corpus("tokenizer: byte-level BPE on the corpus") else { return };
    let both = Both::new("corpus", &trained(true));
    for text in &texts {
        both.check(text);
        both.check_words(text);
    }
}
