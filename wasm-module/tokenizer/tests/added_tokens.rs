//! Added tokens are found in a text as Hugging Face `tokenizers` finds them.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::{Both, Random, added, bert_normalizer, bert_uncased, file, hostile, pieces};

/// The tokenizer with further added tokens: content and flags.
fn with(mut file: Value, tokens: &[(&str, &str)]) -> Value {
    let pieces = pieces();
    let mut next = pieces.len();
    for (content, flags) in tokens {
        let id = pieces.iter().position(|piece| piece == content).unwrap_or_else(|| {
            next += 1;
            next - 1
        });
        file["added_tokens"].as_array_mut().unwrap().push(added(id, content, flags));
    }
    file
}

const FLAGS: [&str; 16] = [
    "",
    "left",
    "right",
    "left right",
    "single",
    "single left",
    "single right",
    "single left right",
    "normalized",
    "normalized left",
    "normalized right",
    "normalized left right",
    "normalized single",
    "normalized single left",
    "normalized single right",
    "normalized single left right",
];

#[test]
fn every_flag_in_every_surrounding() {
    for flags in FLAGS {
        for special in ["", " special"] {
            let tokens = [("<New>", [flags, special].concat()), ("Éa", [flags, special].concat())];
            let tokens = tokens.each_ref().map(|(content, flags)| (*content, flags.as_str()));
            let both = Both::new(flags, &with(bert_uncased(), &tokens));
            for token in
                ["<New>", "<new>", "Éa", "éa", "ea", "EA", "e\u{301}A", "<New><New>", "<New>  Éa", "<New >"]
            {
                for before in [
                    "",
                    " ",
                    "a",
                    "a ",
                    "a \u{3000}\n",
                    "_",
                    "1",
                    "é",
                    "\u{301}",
                    "-",
                    "中",
                    "\u{200d}",
                    "\u{7}",
                    "😀",
                    "²",
                    "Ⓐ",
                ] {
                    for after in [
                        "",
                        " ",
                        "b",
                        "  b",
                        "\u{2003}\tb",
                        "_",
                        "9",
                        "é",
                        "\u{301}",
                        ".",
                        "文",
                        "\u{200c}",
                        "\0",
                        "☃",
                        "½",
                        "\u{b2}",
                    ] {
                        both.check(&format!("{before}{token}{after}"));
                    }
                }
            }
        }
    }
}

#[test]
fn longest_and_leftmost() {
    let tokens = [
        ("ab", ""),
        ("abab", ""),
        ("babx", ""),
        ("b", "single"),
        ("[CLS]x", "special"),
        ("x[CLS]", ""),
        ("aB", "normalized"),
        ("ABC", "normalized special"),
    ];
    for normalizer in [json!(null), bert_normalizer(true, true, None, true)] {
        let both = Both::new("overlaps", &with(file(normalizer), &tokens));
        let mut random = Random(5);
        for _ in 0..3000 {
            let text: String = (0..random.below(16))
                .map(|_| random.pick(&["a", "b", "x", "B", "c", "A", " ", "[CLS]", "[", "abab"]))
                .collect();
            both.check(&text);
        }
    }
}

#[test]
fn tokens_that_normalize_to_the_same_text() {
    // In file order, but special tokens first.
    for (first, second) in [
        ("normalized", "normalized"),
        ("normalized", "normalized special"),
        ("normalized special", "normalized"),
    ] {
        let both = Both::new(
            "same",
            &with(bert_uncased(), &[("Neu", first), ("NEU", second), ("néu", "normalized")]),
        );
        for text in ["neu", "Neu", "NEU neu", "néu", "xneu"] {
            both.check(text);
        }
    }
}

#[test]
fn white_space_inside_and_beside() {
    let tokens = [
        (" ", "left right"),
        ("  x", "left"),
        ("\n", "right"),
        ("中", "normalized left"),
        (" a ", "normalized right"),
        ("a b", "single left right"),
        ("\u{3000}", ""),
    ];
    for count in 1..=tokens.len() {
        let both = Both::new("spaces", &with(bert_uncased(), &tokens[..count]));
        let mut random = Random(6);
        for _ in 0..2000 {
            let text: String = (0..random.below(14))
                .map(|_| random.pick(&[" ", "  ", "\n", "a", "b", "x", "\u{3000}", "中", "\u{a0}", "[SEP]"]))
                .collect();
            both.check(&text);
        }
        for text in hostile() {
            both.check(&text);
        }
    }
}

#[test]
fn word_characters_at_the_border() {
    // single_word asks `\w` of the characters beside it: every code point on either side.
    let both = Both::new("single", &with(file(json!(null)), &[("<T>", "single"), ("<U>", "")]));
    let mut text = String::new();
    for c in '\0'..=char::MAX {
        text.push_str("<T>");
        text.push(c);
        text.push_str("<T><U>");
        if text.len() > 512 {
            both.check(&text);
            text.clear();
        }
    }
    both.check(&text);
}

#[test]
fn empty_token_is_ignored() {
    let mut file = bert_uncased();
    file["added_tokens"].as_array_mut().unwrap().push(added(9999, "", "special"));
    let both = Both::new("empty", &file);
    both.check("hello [SEP] world");
}

#[test]
fn ids_follow_the_vocabulary() {
    let both = Both::new("new", &with(bert_uncased(), &[("<one>", ""), ("hello", ""), ("<two>", "special")]));
    let size = pieces().len();
    assert_eq!(both.ours.vocab_size(), size + 2);
    assert_eq!(both.ours.token(size as u32 + 1), Some("<two>"));
    assert_eq!(both.ours.token(size as u32 + 2), None);
    both.check("<two> <one>hello");
}
