//! Where tokens are, and the texts of ids, equal those of Hugging Face `tokenizers`.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::{Value, json};
use support::charsmap::{Rules, nfkc, precompiled};
use support::unigram::{self, pre_tokenizers, with_spaces_joined};
use support::{Both, Random, bert_uncased, bpe, checkpoint, corpus, file, hostile, normalizers};

const WORDS: &[&str] = &[
    "hello",
    "the",
    "under",
    "naïve",
    "CAFÉ",
    "中文",
    "한국",
    "İ",
    "ΣΑΣ",
    "[CLS]",
    "[MASK]",
    "<mask>",
    "</s>",
    "  <mask> ",
    "'ll",
    " the",
    "  ",
    "\n",
    "👩\u{200d}👧",
    "é\u{301}",
    "▁",
    "Ġ",
    "½",
    "ﬁ",
];

#[test]
fn word_piece_under_every_normalizer() {
    let (texts, mut random) = (hostile(), Random(31));
    for normalizer in normalizers() {
        let both = Both::new(normalizer.to_string(), &file(normalizer.clone()));
        texts.iter().for_each(|text| both.check_places(text));
        (0..200).for_each(|_| both.check_places(&random.text(30, WORDS)));
    }
}

#[test]
fn byte_level_bpe_with_and_without_trimming() {
    let mut random = Random(32);
    let texts = [hostile(), bpe::texts(300)].concat();
    for (prefix, trim) in [(false, true), (true, true), (false, false), (true, false)] {
        let mut file = bpe::file(&bpe::texts(1000), prefix);
        file["post_processor"]["trim_offsets"] = trim.into();
        let both = Both::new(format!("BPE, prefix {prefix}, trim {trim}"), &file);
        texts.iter().for_each(|text| both.check_places(text));
        (0..500).for_each(|_| both.check_places(&random.text(20, WORDS)));
    }
}

#[test]
fn unigram_under_every_pre_tokenizer() {
    let (pieces, mut random) = (unigram::trained(), Random(33));
    let plain: Rules = [("a", "bb"), ("ab", "c"), ("é", ""), ("日", "the"), ("ﬁ", "fi")]
        .map(|(from, to)| (from.to_owned(), to.to_owned()))
        .into();
    let normalizers =
        [Value::Null, precompiled(&nfkc()), with_spaces_joined(precompiled(&nfkc())), precompiled(&plain)];
    let texts = hostile();
    for normalizer in &normalizers {
        for pre_tokenizer in pre_tokenizers() {
            // `tokenizers` itself refuses some pairs of the two; see `tests/unigram.rs`.
            let file = unigram::file(&pieces, normalizer, &pre_tokenizer);
            if lockstep_tokenizer::Tokenizer::from_json(file.to_string().as_bytes()).is_err() {
                continue;
            }
            let both = Both::new(pre_tokenizer.to_string(), &file);
            texts.iter().for_each(|text| both.check_places(text));
            (0..100).for_each(|_| both.check_places(&random.text(20, WORDS)));
        }
    }
}

#[test]
fn every_decoder() {
    let decoders = [
        Value::Null,
        json!({"type": "WordPiece", "prefix": "##", "cleanup": false}),
        json!({"type": "WordPiece", "prefix": "", "cleanup": true}),
        json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}),
        json!({"type": "Metaspace", "replacement": "#", "prepend_scheme": "never"}),
        json!({"type": "Metaspace", "replacement": "#", "prepend_scheme": "first"}),
        json!({"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "#"}, "content": " "},
            {"type": "ByteFallback"},
            {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0},
        ]}),
    ];
    let texts = hostile();
    for decoder in decoders {
        let mut file = bert_uncased();
        file["decoder"] = decoder.clone();
        let both = Both::new(decoder.to_string(), &file);
        texts.iter().for_each(|text| both.check_places(text));
    }
    let mut file = bert_uncased();
    file["decoder"] =
        json!({"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": true});
    let ours = lockstep_tokenizer::Tokenizer::from_json(file.to_string().as_bytes()).unwrap();
    assert!(ours.decode(&[5], true).unwrap_err().to_string().contains("decoder of type \"CTC\""));
    assert_eq!(ours.tokens("the", false).len(), 1, "the model does not need it");
}

#[test]
fn bytes_and_their_texts() {
    let pieces: Vec<(String, f64)> = (0..=255_u8).map(|byte| (format!("<0x{byte:02X}>"), -9.0)).collect();
    let mut file = unigram::file(&pieces, &Value::Null, &Value::Null);
    file["model"]["byte_fallback"] = true.into();
    file["decoder"] = json!({"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"}]});
    let both = Both::new("bytes", &file);
    let mut random = Random(34);
    hostile().iter().for_each(|text| both.check_places(text));
    for _ in 0..300 {
        let ids: Vec<u32> = (0..random.below(9)).map(|_| random.below(262) as u32).collect();
        both.check_decoded(&ids);
    }
}

#[test]
fn the_checkpoint_and_the_corpus() {
    let Some(both) = checkpoint("tokenizer: the_checkpoint_and_the_corpus") else { return };
    let corpus = corpus("tokenizer: the_checkpoint_and_the_corpus, texts of the corpus");
    [hostile(), corpus.unwrap_or_default()].concat().iter().for_each(|text| both.check_places(text));
}
