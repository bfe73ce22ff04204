//! Texts of chosen lengths, and hostile ones.

use lockstep_quantize::calibration::{BUNDLED, passages};

/// Gives `count` texts. Their lengths grow from one word to `words`; most are short.
#[must_use]
pub fn graded(count: usize, words: usize) -> Vec<String> {
    let stream: Vec<&str> = passages(BUNDLED).flat_map(str::split_whitespace).collect();
    (0..count)
        .map(|i| {
            let share = (i + 1) as f64 / count as f64;
            let length = 1 + (share.powi(3) * words as f64) as usize;
            let start = i * 101;
            (0..length).map(|w| stream[(start + w) % stream.len()]).collect::<Vec<_>>().join(" ")
        })
        .collect()
}

/// Texts that tend to break tokenizers and interfaces. The blank ones have special tokens alone.
#[must_use]
pub fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = [
        "a",
        "\u{0}nul\u{0}inside",
        "tab\tnew\nline\r\n",
        "e\u{301}\u{301}\u{301} combining",
        "İstanbul ﬁ ǅ ß ẞ",
        "中文和日本語とかな",
        "\u{202e}right to left\u{202c}",
        "👩‍👩‍👧‍👦🏳️‍🌈",
        "[SEP] [CLS] [MASK] [PAD] [UNK]",
        "##ing ## ##",
        "a\u{fffd}b",
        "zero\u{200b}width\u{feff}",
        "'; DROP TABLE items; --",
        "<script>alert(1)</script>",
        "مرحبا بالعالم",
        "한국어 텍스트",
        "𝕳𝖊𝖑𝖑𝖔",
        "½ ⅓ ① Ⅷ ㎏",
        "...!!!???---",
        "한\u{1100}\u{1161}",
        "\u{e000}private use\u{10ffff}x",
        "0x00 1e999 NaN -0",
        "",
        " \t\n\u{a0}",
        "\u{0}\u{200b}\u{feff}\u{fffd}",
    ]
    .map(String::from)
    .into();
    texts.push("x".repeat(5000));
    texts.push("word ".repeat(3000));
    texts
}
