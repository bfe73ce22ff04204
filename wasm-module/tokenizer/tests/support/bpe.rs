//! Files with the model BPE at the level of bytes, shaped as those of RoBERTa.

use serde_json::{Value, json};
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, PreTokenizedString, PreTokenizer, Trainer};

use super::{Random, added};

pub(crate) const SPECIAL: [&str; 5] = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"];

/// A file whose vocabulary and merges the trainer of `tokenizers` finds in `texts`.
pub(crate) fn file(texts: &[String], prefix_space: bool) -> Value {
    let mut trainer = BpeTrainer::builder()
        .show_progress(false)
        .vocab_size(1200)
        .special_tokens(SPECIAL.iter().map(|text| AddedToken::from(*text, true)).collect())
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .build();
    let words = |text: &str| {
        let mut text = PreTokenizedString::from(text);
        ByteLevel::default().pre_tokenize(&mut text)?;
        let words = text.get_splits(tokenizers::OffsetReferential::Original, tokenizers::OffsetType::None);
        Ok(words.into_iter().map(|(word, ..)| word.to_owned()).collect())
    };
    trainer.feed(texts.iter(), words).unwrap();
    let mut model = BPE::default();
    trainer.train(&mut model).unwrap();
    let mut tokens: Vec<Value> = (0..4).map(|id| added(id, SPECIAL[id], "special normalized")).collect();
    tokens.push(added(4, SPECIAL[4], "special left"));
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": tokens,
        "normalizer": null,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": prefix_space, "trim_offsets": true},
        "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0],
            "trim_offsets": true, "add_prefix_space": prefix_space},
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true},
        "model": serde_json::to_value(&model).unwrap(),
    })
}

/// Texts with the words that a BPE splits: contractions, numbers, white space of all kinds.
pub(crate) fn texts(count: usize) -> Vec<String> {
    let mut random = Random(21);
    let parts = [
        "the",
        " cat",
        " isn't",
        " don't",
        "we'll",
        " they've",
        "'S",
        "'re",
        "''",
        " 12",
        "3.5",
        "½",
        "٣",
        "  ",
        "\n",
        " \n ",
        "\u{a0}",
        "\u{3000}x",
        " é",
        "naïve",
        "日本",
        " 中文",
        "한국",
        "हिन्दी",
        "👩\u{200d}👧",
        "...",
        " !?",
        "_a",
        "\u{301}",
        "\u{ad}",
        "\t",
        "aaaa",
        "abab",
    ];
    (0..count).map(|_| (0..random.below(16)).map(|_| random.pick(&parts)).collect()).collect()
}
