//! Ids of Unigram tokenizers equal those of Hugging Face `tokenizers`.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::charsmap::{Rules, nfkc, precompiled};
use support::unigram::{file, metaspace, pre_tokenizers, trained, with_spaces_joined};
use support::{Both, Random, added, corpus, hostile};

/// Random texts: more are played by hand after a change of the tokenizer.
const STRINGS: usize = 20_000;

const WORDS: &[&str] = &[
    "<s>",
    "</s>",
    "<unk>",
    "<mask>",
    "  <mask> ",
    "▁",
    "▁▁",
    "hello",
    "ﷺ",
    "㌀",
    "①",
    "\r\n",
    "e\u{301}",
    "日本語",
    "👩\u{200d}👩\u{200d}👧",
    "🇩🇪🇫",
    "한국",
    "\u{600}1",
    "क\u{94d}ष",
    "<0x41>",
    "``",
];

/// Pieces with few different scores: most splits have equals.
fn tied(random: &mut Random) -> Vec<(String, f64)> {
    let letters = ["a", "b", "▁", "é", "日", "😀"];
    let mut pieces = Vec::new();
    for _ in 0..40 {
        let piece: String = (0..1 + random.below(4)).map(|_| random.pick(&letters)).collect();
        pieces.push((piece, -(random.below(4) as f64) / [1.0, 3.0][random.below(2)]));
    }
    pieces
}

fn xlm_r(pieces: &[(String, f64)]) -> Value {
    let split = json!({"type": "WhitespaceSplit"});
    let words = json!({"type": "Sequence", "pretokenizers": [split, metaspace("always", None)]});
    file(pieces, &precompiled(&nfkc()), &words)
}

#[test]
fn hostile_texts() {
    let both = Both::new("trained", &xlm_r(&trained()));
    let mut random = Random(5);
    let mut known = 0;
    for _ in 0..STRINGS {
        known += both.check(&random.text(12, WORDS));
    }
    assert!(known > 4 * STRINGS, "{known} tokens");
}

#[test]
fn every_pre_tokenizer_and_normalizer() {
    let (mut random, texts, pieces) = (Random(6), hostile(), trained());
    let map = precompiled(&nfkc());
    let normalizers = [
        Value::Null,
        map.clone(),
        with_spaces_joined(map),
        json!({"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}),
    ];
    for normalizer in &normalizers {
        for pre_tokenizer in &pre_tokenizers() {
            let name = format!("{} {pre_tokenizer}", normalizer["type"]);
            let mut both = Both::new(name, &file(&pieces, normalizer, pre_tokenizer));
            for text in &texts {
                both.check(text);
                both.check_words(text);
            }
            for _ in 0..100 {
                let text = random.text(20, WORDS);
                both.check(&text);
                both.check_words(&text);
                both.check_limit(&text, &random.text(20, WORDS), 4 + random.below(30));
            }
        }
    }
}

#[test]
fn replacements_and_strips() {
    let mut random = Random(7);
    let replace = |kind: &str, pattern: &str, content: &str| json!({"type": "Replace", "pattern": {kind: pattern}, "content": content});
    for normalizer in [
        replace("String", "``", "\""),
        replace("String", "aa", "a"),
        replace("String", " ", ""),
        replace("Regex", " {2,}", " "),
        replace("Regex", "\\s{2,}|[\\n\\r\\t]", " "),
        replace("Regex", "\\s+", "▁"),
        replace("Regex", "[\\n a]+|a", "é"),
        json!({"type": "Strip", "strip_left": true, "strip_right": true}),
        json!({"type": "Strip", "strip_left": true, "strip_right": false}),
        json!({"type": "Strip", "strip_left": false, "strip_right": false}),
        json!({"type": "Prepend", "prepend": "a▁"}),
    ] {
        let both = Both::new(
            normalizer.to_string(),
            &file(&tied(&mut random), &normalizer, &metaspace("always", None)),
        );
        let parts =
            ["a", "aa", " ", "  ", "`", "\n", "\t", "\r", "\u{a0}", "\u{3000}", "\u{85}", "\u{1c}", "é", "▁"];
        for _ in 0..600 {
            let text: String = (0..random.below(12)).map(|_| random.pick(&parts)).collect();
            both.check(&text);
            both.check_words(&text);
        }
    }
    let both =
        Both::new("white space", &file(&[], &replace("Regex", "\\s+", "▁"), &metaspace("never", None)));
    for first in (0..0x1_0000_u32).step_by(256) {
        both.check_words(
            &(first..first + 256).filter_map(char::from_u32).flat_map(|c| ['x', c]).collect::<String>(),
        );
    }
}

#[test]
fn equal_sums_and_bytes() {
    let mut random = Random(8);
    let parts = ["a", "b", "▁", "é", "日", "😀", " ", "z", "ü", "<unk>", "中", "<s>"];
    for round in 0..200 {
        let mut pieces = tied(&mut random);
        if round % 2 == 0 {
            let most = if round % 4 == 0 { 256 } else { 200 };
            pieces.extend((0..most).map(|byte| (format!("<0x{byte:02X}>"), -9.0)));
        }
        let split = [None, Some(false)][random.below(2)];
        let mut file = file(&pieces, &Value::Null, &metaspace("always", split));
        file["model"]["byte_fallback"] = json!(round % 2 == 0);
        if round % 3 == 0 {
            // Then texts have the special tokens' pieces.
            file["added_tokens"] = json!([]);
        }
        if round % 5 == 0 {
            file["model"].as_object_mut().unwrap().remove("type");
        }
        let both = Both::new(format!("round {round}"), &file);
        for _ in 0..100 {
            both.check(&(0..random.below(24)).map(|_| random.pick(&parts)).collect::<String>());
        }
    }
}

/// With scores above 20, a piece can be worse than unknown characters; their text is a piece then.
#[test]
fn unknown_characters_that_are_a_piece() {
    let pieces = [("ab".to_owned(), 30.0), ("b".to_owned(), 30.0), ("xy".to_owned(), 31.0)];
    let mut file = file(&pieces, &Value::Null, &metaspace("never", None));
    file["model"]["vocab"].as_array_mut().unwrap().iter_mut().for_each(|piece| {
        if piece[1] == 0.0 {
            piece[1] = json!(40.0);
        }
    });
    file["added_tokens"] = json!([]);
    let both = Both::new("high", &file);
    for text in ["xy", "xyxy", "ab", "axyb", "<unk>", "<unk>x", "<unk><unk>", "xx", ""] {
        both.check(text);
    }
}

#[test]
fn every_code_point_between_letters() {
    let both = Both::new("planes", &xlm_r(&trained()));
    let mut text = String::new();
    for c in (0..=0x10_ffff).filter_map(char::from_u32) {
        text.extend(['e', c, 't', ' ', c]);
        if text.len() > 512 {
            both.check_words(&text);
            both.check(&text);
            text.clear();
        }
    }
    both.check(&text);
}

/// Rules whose entries begin with each other, with replacements of all lengths, on texts whose
/// characters join to graphemes.
#[test]
fn replacements_of_random_rules() {
    let mut random = Random(9);
    let parts = [
        "a", "b", "\r", "\n", "\u{301}", "\u{316}", "\u{200d}", "e\u{301}", "ß", "क", "\u{94d}", "\u{600}",
        "日", "👩", "🇩", "🏽", "\u{fe0f}", "ᄒ", "\u{1161}", "\u{11ab}", "각", " ", "\0", "\u{1f}",
    ];
    for round in 0..60 {
        let mut rules = Rules::new();
        for _ in 0..40 {
            let mut word = |most| (0..random.below(most)).map(|_| random.pick(&parts)).collect::<String>();
            let (from, to) = (word(4).replace('\0', ""), word(5).replace('\0', ""));
            if !from.is_empty() {
                rules.insert(from, to);
            }
        }
        let both =
            Both::new(format!("rules {round}"), &file(&[], &precompiled(&rules), &metaspace("always", None)));
        for _ in 0..200 {
            let text: String = (0..random.below(12)).map(|_| random.pick(&parts)).collect();
            both.check_words(&text);
        }
    }
}

#[test]
fn added_tokens_of_every_kind() {
    let mut random = Random(10);
    let pieces = trained();
    for flags in 0..32_u32 {
        let names = ["special", "normalized", "single", "left", "right"];
        let flags: String =
            names.iter().enumerate().filter(|(i, _)| flags >> i & 1 == 1).map(|(_, n)| *n).collect();
        let mut file = xlm_r(&pieces);
        file["pre_tokenizer"] = metaspace("first", None);
        for (at, token) in ["①x", "NEW", "▁NEW"].into_iter().enumerate() {
            file["added_tokens"].as_array_mut().unwrap().push(added(pieces.len() + 5 + at, token, &flags));
        }
        let both = Both::new(flags, &file);
        for _ in 0..150 {
            both.check(&random.text(8, &["①x", "1x", "NEW", "▁NEW", " ", "<s>", "<mask>", "\u{1}"]));
        }
    }
}

#[test]
fn very_long_words_and_texts() {
    let both = Both::new("long", &xlm_r(&trained()));
    let mut whole = xlm_r(&trained());
    whole["pre_tokenizer"] = metaspace("always", Some(false));
    let whole = Both::new("long, unsplit", &whole);
    for part in
        ["e", "et", "日本", "😀", "\u{301}", "\u{200d}", " ", "▁", "e ", "zq", "① ", "\r\n", "한", "\u{600}"]
    {
        let text = part.repeat(20_000 / part.len());
        both.check(&text);
        whole.check(&text);
    }
}

#[test]
fn the_corpus() {
    let Some(texts) = corpus("tokenizer: unigram on the corpus") else { return };
    let both = Both::new("corpus", &xlm_r(&trained()));
    for text in &texts {
        both.check(text);
        both.check_words(text);
    }
}
