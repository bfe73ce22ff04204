//! The oracle (Hugging Face `tokenizers`), tokenizer files that both sides read, and texts.
#![allow(dead_code, clippy::unwrap_used)]

pub(crate) mod bpe;
pub(crate) mod charsmap;
pub(crate) mod unigram;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use lockstep_tokenizer::{Encoding, Tokenizer};
use serde_json::{Value, json};
use tokenizers::{
    NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
    TruncationParams,
};

/// Our tokenizer and the one it must equal.
pub(crate) struct Both {
    pub(crate) ours: Tokenizer,
    /// Whether the file has no added tokens.
    bare: Tokenizer,
    oracle: tokenizers::Tokenizer,
    name: String,
}

impl Both {
    pub(crate) fn new(name: impl Into<String>, file: &Value) -> Both {
        Both::from_bytes(name, &serde_json::to_vec(file).unwrap())
    }

    pub(crate) fn from_bytes(name: impl Into<String>, bytes: &[u8]) -> Both {
        let mut oracle = tokenizers::Tokenizer::from_bytes(bytes).unwrap();
        oracle.with_padding(None).with_truncation(None).unwrap();
        let mut file: Value = serde_json::from_slice(bytes).unwrap();
        file["added_tokens"] = json!([]);
        let bare = Tokenizer::from_json(&serde_json::to_vec(&file).unwrap()).unwrap();
        let ours = Tokenizer::from_json(bytes).unwrap();
        let greatest = oracle.get_vocab(true).into_values().max().unwrap();
        assert_eq!(ours.vocab_size(), greatest as usize + 1);
        Both { ours, bare, oracle, name: name.into() }
    }

    /// Compares ids and type ids of one text without a limit. Returns the number of tokens.
    pub(crate) fn check(&self, text: &str) -> usize {
        let ours = self.ours.encode(text, usize::MAX).unwrap();
        let total = self.compare(&ours, self.oracle.encode(text, true).unwrap(), &text);
        assert_eq!((ours.total_tokens, ours.truncated), (total, false));
        total
    }

    /// Compares the places of the tokens, and the text that is made of the ids.
    pub(crate) fn check_places(&self, text: &str) {
        for special in [true, false] {
            let theirs = self.oracle.encode(text, special).unwrap();
            let mask = theirs.get_special_tokens_mask().iter();
            let places = theirs.get_offsets().iter().zip(mask).map(|(&at, &mask)| (mask == 0).then_some(at));
            let theirs: Vec<_> = theirs.get_ids().iter().copied().zip(places).collect();
            let ours = self.ours.tokens(text, special).into_iter().map(|token| (token.id, token.place));
            let ours: Vec<_> = ours.collect();
            let at = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
            let near = |tokens: &[(u32, Option<(usize, usize)>)]| {
                let token = |id| self.ours.token(id).unwrap_or_default().to_owned();
                let near = tokens.iter().skip(at.saturating_sub(2)).take(6);
                near.map(|&(id, place)| (token(id), place)).collect::<Vec<_>>()
            };
            assert_eq!(near(&ours), near(&theirs), "{}: token {at} of {text:?}", self.name);
            assert_eq!(ours.len(), theirs.len(), "{}: {text:?}", self.name);
            let ids: Vec<u32> = ours.iter().map(|&(id, _)| id).collect();
            self.check_decoded(&ids);
        }
    }

    /// Compares the text that is made of some ids.
    pub(crate) fn check_decoded(&self, ids: &[u32]) {
        for skip in [true, false] {
            let (ours, theirs) =
                (self.ours.decode(ids, skip).unwrap(), self.oracle.decode(ids, skip).unwrap());
            assert_eq!(ours, theirs, "{}: {ids:?}", self.name);
        }
    }

    /// Compares ids and type ids of two texts without a limit.
    pub(crate) fn check_pair(&self, a: &str, b: &str) -> usize {
        let ours = self.ours.encode_pair(a, b, usize::MAX).unwrap();
        let total = self.compare(&ours, self.oracle.encode((a, b), true).unwrap(), &(a, b));
        assert_eq!((ours.total_tokens, ours.truncated), (total, false));
        total
    }

    /// Compares both texts and their pair under a limit.
    pub(crate) fn check_limit(&mut self, a: &str, b: &str, max_length: usize) {
        let totals = [self.check(a), self.check_pair(a, b)];
        let limit = TruncationParams { max_length, ..Default::default() };
        self.oracle.with_truncation(Some(limit)).unwrap();
        let single = self.ours.encode(a, max_length).unwrap();
        let pair = self.ours.encode_pair(a, b, max_length).unwrap();
        self.compare(&single, self.oracle.encode(a, true).unwrap(), &(a, max_length));
        self.compare(&pair, self.oracle.encode((a, b), true).unwrap(), &(a, b, max_length));
        self.oracle.with_truncation(None).unwrap();
        for (ours, total) in [(single, totals[0]), (pair, totals[1])] {
            assert_eq!(ours.total_tokens, total);
            assert_eq!(ours.truncated, total > max_length);
            assert_eq!(ours.ids.len(), total.min(max_length));
        }
    }

    /// Compares the normalized words if there are no added tokens. Ids alone could hide a
    /// difference behind the unknown token.
    pub(crate) fn check_words(&self, text: &str) {
        let mut normalized = NormalizedString::from(text);
        if let Some(normalizer) = self.oracle.get_normalizer() {
            normalizer.normalize(&mut normalized).unwrap();
        }
        let mut pieces = PreTokenizedString::from(normalized);
        if let Some(pre_tokenizer) = self.oracle.get_pre_tokenizer() {
            pre_tokenizer.pre_tokenize(&mut pieces).unwrap();
        }
        let mut pieces = pieces.get_splits(OffsetReferential::Original, OffsetType::None);
        pieces.retain(|(text, ..)| !text.is_empty());
        let ours = self.bare.words(text);
        for (ours, theirs) in ours.iter().zip(&pieces) {
            assert_eq!(
                ours.escape_unicode().to_string(),
                theirs.0.escape_unicode().to_string(),
                "{}",
                self.name
            );
        }
        assert_eq!(ours.len(), pieces.len(), "{}", self.name);
    }

    fn compare(&self, ours: &Encoding, theirs: tokenizers::Encoding, input: &dyn std::fmt::Debug) -> usize {
        let types: Vec<u32> = ours.type_ids.iter().map(|&id| u32::from(id)).collect();
        if ours.ids != theirs.get_ids() || types != theirs.get_type_ids() {
            let at = ours.ids.iter().zip(theirs.get_ids()).take_while(|(a, b)| a == b).count();
            panic!(
                "{}: differs from token {at} (ours has {}, theirs {})\ninput {input:?}\nours {:?}\ntheirs {:?}",
                self.name,
                ours.ids.len(),
                theirs.len(),
                ours.ids.iter().skip(at).take(20).map(|&id| self.ours.token(id)).collect::<Vec<_>>(),
                theirs.get_tokens().iter().skip(at).take(20).collect::<Vec<_>>(),
            );
        }
        theirs.len()
    }
}

pub(crate) const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// A vocabulary of a few hundred pieces: enough for every branch, few enough to leave words
/// unknown.
pub(crate) fn pieces() -> Vec<String> {
    let mut pieces: Vec<String> = SPECIAL.map(str::to_owned).to_vec();
    let mut seen: BTreeSet<String> = pieces.iter().cloned().collect();
    let mut add = |piece: String| {
        if seen.insert(piece.clone()) {
            pieces.push(piece);
        }
    };
    let letters = "éüñçøßıŁσςΣλжйאבעربहिन中文日本語あアㄅ한국ᄒ\u{1161}\u{11ab}ǆǅǄﬁ½²😀👩\u{200d}\u{301}\u{307}\u{fe0f}";
    for c in (' '..='~').filter(|c| *c != ' ').chain(letters.chars()) {
        add(c.to_string());
        add(format!("##{c}"));
    }
    for word in [
        "the",
        "hello",
        "world",
        "un",
        "under",
        "##stand",
        "##aff",
        "##able",
        "##ing",
        "don",
        "a##b",
        "##ab",
        "##abc",
        "abc",
        "ab",
        "##ba",
        "naive",
        "naïve",
        "nai",
        "##ve",
        "straße",
        "strasse",
        "token",
        "##ization",
        "Hello",
        "##",
        "##lo",
        "##fé",
        "##fe",
        "caf",
        "café",
        "中文",
        "##123",
        "12",
        "zzzzzzzzzzzzzzzzzzzzzzzz",
    ] {
        add(word.to_owned());
    }
    pieces
}

pub(crate) fn bert_normalizer(clean: bool, chinese: bool, strip: Option<bool>, lower: bool) -> Value {
    json!({
        "type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": chinese,
        "strip_accents": strip, "lowercase": lower,
    })
}

/// Every setting of `BertNormalizer`, no normalizer, and sequences.
pub(crate) fn normalizers() -> Vec<Value> {
    let mut all = vec![
        Value::Null,
        json!({"type": "Sequence", "normalizers": []}),
        json!({"type": "Lowercase"}),
        json!({"type": "Sequence", "normalizers": [
            {"type": "NFD"}, {"type": "Lowercase"}, {"type": "StripAccents"}]}),
        json!({"type": "Sequence", "normalizers": [
            {"type": "StripAccents"}, bert_normalizer(true, false, Some(false), false), {"type": "NFD"}]}),
    ];
    for bits in 0..24 {
        let strip = [None, Some(false), Some(true)][bits / 8];
        all.push(bert_normalizer(bits & 1 != 0, bits & 2 != 0, strip, bits & 4 != 0));
    }
    all
}

pub(crate) fn added(id: usize, content: &str, flags: &str) -> Value {
    let has = |flag| flags.contains(flag);
    json!({
        "id": id, "content": content, "special": has("special"), "normalized": has("normalized"),
        "single_word": has("single"), "lstrip": has("left"), "rstrip": has("right"),
    })
}

/// A complete tokenizer file with this normalizer.
pub(crate) fn file(normalizer: Value) -> Value {
    let pieces = pieces();
    let vocab: serde_json::Map<String, Value> =
        pieces.iter().enumerate().map(|(id, piece)| (piece.clone(), json!(id))).collect();
    let special = |id: usize| json!({"id": SPECIAL[id], "ids": [id], "tokens": [SPECIAL[id]]});
    let token = |id: usize, type_id: u8| json!({"SpecialToken": {"id": SPECIAL[id], "type_id": type_id}});
    let text = |id: &str, type_id: u8| json!({"Sequence": {"id": id, "type_id": type_id}});
    json!({
        "version": "1.0",
        "truncation": {"max_length": 8, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": {"strategy": {"Fixed": 8}, "direction": "Right", "pad_to_multiple_of": null,
            "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"},
        "added_tokens": (0..5).map(|id| added(id, SPECIAL[id], "special")).collect::<Vec<_>>(),
        "normalizer": normalizer,
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [token(2, 0), text("A", 0), token(3, 0)],
            "pair": [token(2, 0), text("A", 0), token(3, 0), text("B", 1), token(3, 1)],
            "special_tokens": {"[CLS]": special(2), "[SEP]": special(3)},
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 20, "vocab": vocab,
        },
    })
}

pub(crate) fn bert_uncased() -> Value {
    file(bert_normalizer(true, true, None, true))
}

/// The tokenizer of the real checkpoint. `make test` names its folder in `LOCKSTEP_CHECKPOINT`, and
/// then it must be there. Without that variable, `test` is skipped if `make` has not fetched the
/// checkpoint yet.
pub(crate) fn checkpoint(test: &str) -> Option<Both> {
    let named = std::env::var_os("LOCKSTEP_CHECKPOINT").map(PathBuf::from);
    let promised = named.is_some();
    let path = named.unwrap_or_else(|| workspace().join(".cache/checkpoint")).join("tokenizer.json");
    match std::fs::read(&path) {
        Ok(bytes) => Some(Both::from_bytes("checkpoint", &bytes)),
        Err(error) => {
            assert!(!promised, "{}: {error}; `make model` fetches the checkpoint", path.display());
            skipped(test, &format!("{}: {error}", path.display()));
            None
        }
    }
}

/// Says that a test did not run, and adds it to the list that `make test` counts in its last line.
fn skipped(test: &str, reason: &str) {
    eprintln!("skipped: {test}: {reason}");
    if let Some(list) = std::env::var_os("LOCKSTEP_SKIPPED") {
        let mut list = std::fs::OpenOptions::new().create(true).append(true).open(list).unwrap();
        writeln!(list, "{test}: {reason}").unwrap();
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Texts known to break software, and text in many languages. They are no part of the repository:
/// without their folder, `test` is skipped.
pub(crate) fn corpus(test: &str) -> Option<Vec<String>> {
    let folder = workspace().join("../shared/data/text");
    let Ok(naughty) = std::fs::read(folder.join("blns.json")) else {
        skipped(test, &format!("the texts in {} are not there", folder.display()));
        return None;
    };
    let mut texts: Vec<String> = serde_json::from_slice(&naughty).unwrap();
    let lines = std::fs::read_to_string(folder.join("multilingual.txt")).unwrap();
    texts.extend(lines.lines().map(str::to_owned));
    texts.push(lines);
    Some(texts)
}

/// Texts with one difficulty each.
pub(crate) fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "\0",
        "\u{fffd}",
        "\t\r\n",
        "\u{a0}\u{2003}\u{3000}",
        "hello",
        "Hello, World!",
        "  the  ",
        "understanding unaffable underabc",
        "x\0y",
        "x\u{fffd}y",
        "a\u{7}b",
        "\u{1}\u{1f}\u{7f}\u{80}\u{9f}",
        "a\u{85}b",
        "a\u{b}b\u{c}c\u{1c}d\u{1f}e",
        "zero\u{200b}width\u{200c}joi\u{200d}ner\u{2060}\u{feff}",
        "soft\u{ad}hyphen",
        "\u{d7ff}a\u{e000}b\u{f8ff}c",
        "\u{fffe}\u{ffff}\u{10ffff}\u{10fffd}\u{f0000}",
        "cafe\u{301} café CAFÉ",
        "e\u{301}\u{316}\u{301}\u{316}",
        "\u{301}",
        "\u{301}\u{302}a",
        "a\u{7}\u{301}\u{7}\u{316}b",
        "q\u{307}\u{323} \u{1e69} s\u{323}\u{307} \u{1e0b}\u{323}",
        "\u{344}\u{316}\u{f73}\u{f71}",
        "naïve NAÏVE nai\u{308}ve",
        "한국 한국어 각 ᄒ\u{1161}\u{11ab}",
        "中文hello日本語",
        "𠀀𪜀𫠠𫤠\u{2b820}\u{2b91f}\u{2b920}豈\u{2f800}",
        "あア㐀䶿䷀鿿ꀀ",
        "👩\u{200d}👩\u{200d}👧😀🏳\u{fe0f}\u{200d}🌈🇩🇪👍🏽",
        "\u{202e}rtl\u{202c} עברית العربية \u{200f}",
        "İstanbul ıI İ i\u{307}",
        "ǆ ǅ Ǆ ﬁ ﬀ ẞ ß ŉ ΐ",
        "ΣΑΣ ΌΣΟΣ ς σ Σ",
        "Ω Ω K K Å Å",
        "½ ² ① Ⅷ ⅷ ٣",
        "don't u.s.a. a-b_c $5+3=8 ^~`|<>",
        "« » “ ” … – — ¿ ¡ ‽ ⸘ 、。「」",
        "[CLS]",
        "[SEP] [CLS][MASK]",
        "a[SEP]b",
        "[cls] [Sep]",
        "[CLS",
        "[[CLS]]",
        "x [MASK] y",
        " [UNK]  [PAD] ",
        "[CL\u{301}S]",
        "[SEP]\u{301}",
        "##ing ## # ##a",
        "a##b",
        "हिन्दी க்ஷ ไทย ខ្មែរ བོད་",
        "\u{1e900}\u{10400}\u{1f600}\u{e0001}\u{e0041}",
        "\u{1d5}\u{149}\u{1c5}\u{1f88}\u{1fbc}",
        "\u{0345}\u{0301}\u{1fbc}",
        "Z\u{335}\u{321}a\u{32d}l\u{353}g\u{34d}o\u{489}",
        "\u{a69e}\u{16ff0}\u{11935}\u{1193e}\u{1133b}",
        "\u{1e2ec}\u{10efd}\u{11070}",
    ]
    .map(str::to_owned)
    .to_vec();
    for length in [19, 20, 21, 99, 100, 101, 300] {
        for letter in ["a", "é", "é\u{301}", "中", "한", "İ", "z", "."] {
            texts.push(format!("x {} y", letter.repeat(length)));
        }
    }
    texts.push("the unaffable [SEP] naïve 中文 world! ".repeat(500));
    texts
}

/// The generator SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// A text of up to `most` fragments of all kinds, with some of `words` among them.
    pub(crate) fn text(&mut self, most: usize, words: &[&str]) -> String {
        const BLOCKS: [(u32, u32); 14] = [
            (0x20, 0x7f),
            (0x0, 0x20),
            (0x80, 0x250),
            (0x300, 0x370),
            (0x370, 0x600),
            (0x600, 0x1200),
            (0x1e00, 0x2070),
            (0x2070, 0x2c00),
            (0x3000, 0xa000),
            (0xac00, 0xd7a4),
            (0xf900, 0x1_0000),
            (0x1_0000, 0x2_0000),
            (0x2_0000, 0x3_0000),
            (0, 0x11_0000),
        ];
        let mut text = String::new();
        // A text prefers a few blocks, so that neighbours of one block occur.
        let favourites = [self.below(14), self.below(14)];
        for _ in 0..self.below(most + 1) {
            match self.below(8) {
                0 => text.push_str(self.pick(words)),
                1 => text.push_str(
                    self.pick(&[" ", "  ", "\n", "\u{a0}", ",", "-", "[", "\u{301}", "\u{316}", "\u{200d}"]),
                ),
                2 | 3 => text.push(char::from(b'a' + self.below(26) as u8)),
                choice => {
                    let (first, end) =
                        BLOCKS[if choice == 4 { self.below(14) } else { favourites[choice % 2] }];
                    text.extend(char::from_u32(first + self.below((end - first) as usize) as u32));
                }
            }
        }
        text
    }
}
