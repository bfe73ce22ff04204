//! `tokenizer.json` and the texts that it splits. A file is refused, or it gives ids that exist, at
//! most as many as were allowed, and the same ones again.

use base64::Engine as _;
use lockstep_tokenizer::{Encoding, Tokenizer, TokenizerError};
use serde_json::{Value, json};

use crate::edits::{JSON, splice};
use crate::script::Script;

/// Pieces of words, tokens and texts: case, accents composed and not, ideographs, what a normalizer
/// removes or lengthens, white space, punctuation.
const PIECES: [&str; 30] = [
    "▁",
    "\r\n",
    "a",
    "b",
    "A",
    "ab",
    "##",
    "é",
    "e\u{301}",
    "\u{301}",
    "ß",
    "İ",
    "ﬁ",
    "一",
    "二",
    "\u{200d}",
    "\0",
    "\u{fffd}",
    " ",
    "\t",
    "\u{3000}",
    "\u{a0}",
    "-",
    "!",
    "[",
    "]",
    "[X]",
    "😀",
    "\u{1d15e}",
    "각",
];

/// Reads a script as a tokenizer and two texts. Returns whether the tokenizer was accepted.
pub fn run(bytes: &[u8]) -> bool {
    let mut script = Script::new(bytes);
    let file = if script.chance(32) {
        let length = script.short().into();
        script.bytes(length).to_vec()
    } else {
        let mut file = file(&mut script).to_string().into_bytes();
        if script.chance(64) {
            splice(&mut file, &mut script, &JSON, 3);
        }
        file
    };
    let Ok(tokenizer) = Tokenizer::from_json(&file) else { return false };
    let (a, limit) = (text(&mut script), usize::from(script.byte()));
    let b =
        if script.chance(128) { text(&mut script) } else { String::from_utf8_lossy(script.rest()).into() };
    let single = || tokenizer.encode(&a, limit);
    let pair = || tokenizer.encode_pair(&a, &b, limit);
    check(&tokenizer, &single(), limit, tokenizer.special_tokens());
    check(&tokenizer, &pair(), limit, tokenizer.special_tokens_of_pair());
    assert_eq!(single().is_ok(), limit >= tokenizer.special_tokens());
    // Nothing but the end of a text is cut off: with enough room, the same ids and more.
    if let (Ok(short), Ok(long)) = (single(), tokenizer.encode(&a, usize::MAX)) {
        assert_eq!(long.total_tokens, short.total_tokens);
        assert_eq!((long.truncated, long.ids.len()), (false, long.total_tokens));
        assert_eq!(short.truncated, short.ids != long.ids);
    }
    // The tokens with their places are the same ones, and lie in the text.
    if let Ok(long) = tokenizer.encode(&a, usize::MAX) {
        let tokens = tokenizer.tokens(&a, true);
        assert!(tokens.iter().map(|token| token.id).eq(long.ids.iter().copied()));
        let places = || tokens.iter().filter_map(|token| token.place);
        assert!(places().all(|(start, end)| start <= end && end <= a.len()));
        // A decoder may be one that is not supported.
        let _ = (tokenizer.decode(&long.ids, true), tokenizer.decode(&long.ids, false));
    }
    // A normalizer may put some characters before a text or in the place of each character.
    assert!(tokenizer.words(&a).len() <= 64 * (a.len() + 1), "more words than the text can have");
    true
}

fn check(tokenizer: &Tokenizer, encoding: &Result<Encoding, TokenizerError>, limit: usize, special: usize) {
    let Ok(encoding) = encoding else { return };
    assert!(encoding.ids.len() <= limit && encoding.ids.len() <= encoding.total_tokens);
    assert!(encoding.total_tokens >= special);
    assert_eq!(encoding.ids.len(), encoding.type_ids.len());
    // A vocabulary may have holes, and a template may name the id of one, as in Hugging Face's.
    for &id in &encoding.ids {
        assert!((id as usize) < tokenizer.vocab_size(), "id {id}");
    }
}

/// A `tokenizer.json` in which some things are as they must be, and others as the script says.
fn file(script: &mut Script<'_>) -> Value {
    let mut vocabulary = serde_json::Map::new();
    for piece in ["[UNK]", "a", "##a", "ab"] {
        vocabulary.insert(piece.into(), vocabulary.len().into());
    }
    for _ in 0..script.below(8) {
        let id = if script.chance(16) { script.word() as usize } else { vocabulary.len() };
        vocabulary.entry(word(script)).or_insert(id.into());
    }
    let mut next = vocabulary.len();
    let mut added = Vec::new();
    for _ in 0..script.below(5) {
        let content = word(script);
        let known = vocabulary.get(&content).and_then(Value::as_u64);
        let id = if script.chance(8) { script.number() } else { known.unwrap_or(next as u64) };
        next += usize::from(known.is_none());
        let flags = script.byte();
        added.push(json!({
            "id": id, "content": content, "single_word": flags & 1 != 0, "lstrip": flags & 2 != 0,
            "rstrip": flags & 4 != 0, "normalized": flags & 8 != 0, "special": flags & 16 != 0,
        }));
    }
    let model = if script.chance(64) {
        unigram(script, &vocabulary)
    } else if script.chance(64) {
        bpe(script, &mut vocabulary)
    } else {
        json!({
            "type": "WordPiece", "unk_token": if script.chance(4) { "?" } else { "[UNK]" },
            "continuing_subword_prefix": script.pick(&["##", "", "a", "é"]),
            "max_input_chars_per_word": if script.chance(64) { script.number() } else { 100 },
            "vocab": vocabulary,
        })
    };
    json!({
        "version": if script.chance(4) { "2.0" } else { "1.0" },
        "added_tokens": added,
        "normalizer": normalizer(script, 3),
        "pre_tokenizer": pre_tokenizer(script, 2, model["type"] == "BPE"),
        "post_processor": post_processor(script, next as u64),
        "model": model,
    })
}

/// The model Unigram of the pieces of a vocabulary.
fn unigram(script: &mut Script<'_>, vocabulary: &serde_json::Map<String, Value>) -> Value {
    let score =
        |script: &mut Script<'_>| if script.chance(16) { 1e300 } else { -f64::from(script.below(8) as u32) };
    let vocab: Vec<Value> = vocabulary.keys().map(|piece| json!([piece, score(script)])).collect();
    let unknown = if script.chance(8) { Value::Null } else { script.below(vocab.len() + 1).into() };
    json!({ "type": "Unigram", "unk_id": unknown, "vocab": vocab, "byte_fallback": script.chance(64) })
}

/// The model BPE of a vocabulary, to which it adds the bytes.
fn bpe(script: &mut Script<'_>, vocabulary: &mut serde_json::Map<String, Value>) -> Value {
    let visible = ('!'..='~').chain('¡'..='¬').chain('®'..='ÿ').chain('Ā'..='Ń').map(String::from);
    for piece in visible.skip(usize::from(script.chance(8))).chain(["ab", "aba", "Ġa"].map(str::to_owned)) {
        let next = vocabulary.len();
        vocabulary.entry(piece).or_insert(next.into());
    }
    let known = [json!(["a", "b"]), json!("ab a"), json!(["Ġ", "a"]), json!("a b"), json!(["b", "zz"])];
    let merges: Vec<&Value> = (0..script.below(5)).map(|_| &known[script.below(5)]).collect();
    json!({ "type": "BPE", "vocab": vocabulary, "merges": merges, "ignore_merges": script.chance(64) })
}

fn pre_tokenizer(script: &mut Script<'_>, depth: usize, bytes: bool) -> Value {
    if bytes && !script.chance(8) {
        return json!({ "type": "ByteLevel", "add_prefix_space": script.chance(128), "use_regex": script.chance(192) });
    }
    match script.below(8) {
        0 => Value::Null,
        1 => json!({ "type": "WhitespaceSplit" }),
        2 | 3 => {
            let scheme = script.pick(&["always", "first", "never"]);
            json!({ "type": "Metaspace", "replacement": script.pick(&["▁", "a"]), "prepend_scheme": scheme,
                "add_prefix_space": script.chance(192), "split": script.chance(128) })
        }
        4 if depth > 0 => {
            let steps: Vec<Value> =
                (0..script.below(4)).map(|_| pre_tokenizer(script, depth - 1, bytes)).collect();
            json!({ "type": "Sequence", "pretokenizers": steps })
        }
        5 => json!({ "type": "Whitespace" }),
        _ => json!({ "type": "BertPreTokenizer" }),
    }
}

fn normalizer(script: &mut Script<'_>, depth: usize) -> Value {
    match script.below(10) {
        1 => Value::Null,
        6 => {
            let (key, pattern) =
                script.pick(&[("String", "ab"), ("Regex", " {2,}"), ("Regex", r"\s+|a"), ("Regex", "a*")]);
            json!({ "type": "Replace", "pattern": { key: pattern }, "content": word(script) })
        }
        7 => json!({ "type": "Strip", "strip_left": script.chance(128), "strip_right": script.chance(128) }),
        8 => json!({ "type": "Prepend", "prepend": word(script) }),
        9 => json!({ "type": "Precompiled", "precompiled_charsmap": charsmap(script) }),
        2 => json!({ "type": "NFD" }),
        3 => json!({ "type": "StripAccents" }),
        4 => json!({ "type": "Lowercase" }),
        5 if depth > 0 => {
            let steps: Vec<Value> = (0..script.below(4)).map(|_| normalizer(script, depth - 1)).collect();
            json!({ "type": "Sequence", "normalizers": steps })
        }
        _ => {
            let flags = script.byte();
            let strip = [Value::Null, false.into(), true.into()][usize::from(flags >> 4) % 3].clone();
            json!({
                "type": "BertNormalizer", "clean_text": flags & 1 != 0, "strip_accents": strip,
                "handle_chinese_chars": flags & 2 != 0, "lowercase": flags & 4 != 0,
            })
        }
    }
}

/// A trie that the script makes up, and two replacements.
fn charsmap(script: &mut Script<'_>) -> String {
    let mut map = vec![0, 4, 0, 0];
    map.extend((0..1024).map(|_| script.byte()));
    map.extend_from_slice("é \0ab\0".as_bytes());
    base64::engine::general_purpose::STANDARD.encode(map)
}

fn post_processor(script: &mut Script<'_>, vocabulary: u64) -> Value {
    let id = |script: &mut Script<'_>| {
        if script.chance(8) { script.number() } else { script.long() % vocabulary.max(1) }
    };
    match script.below(3) {
        0 => Value::Null,
        1 => json!({ "type": "BertProcessing", "sep": ["[UNK]", id(script)], "cls": ["a", id(script)] }),
        _ => {
            let ids: Vec<u64> = (0..script.below(4)).map(|_| id(script)).collect();
            let mut template = |texts: &[&str]| -> Vec<Value> {
                let mut elements: Vec<Value> = texts
                    .iter()
                    .map(|text| json!({ "Sequence": { "id": text, "type_id": script.byte() } }))
                    .collect();
                for _ in 0..script.below(4) {
                    let special = json!({ "SpecialToken": { "id": "S", "type_id": script.byte() } });
                    elements.insert(script.below(elements.len() + 1), special);
                }
                elements
            };
            let (single, pair) = (template(&["A"]), template(&["A", "B"]));
            json!({
                "type": "TemplateProcessing", "single": single, "pair": pair,
                "special_tokens": { "S": { "id": "S", "ids": ids, "tokens": [] } },
            })
        }
    }
}

/// One to three pieces.
fn word(script: &mut Script<'_>) -> String {
    (0..=script.below(3)).map(|_| script.pick(&PIECES)).collect()
}

/// Pieces, some of them many times.
fn text(script: &mut Script<'_>) -> String {
    let mut text = String::new();
    for _ in 0..script.below(24) {
        let times = if script.chance(8) { 1 + script.below(300) } else { 1 };
        text.extend(std::iter::repeat_n(script.pick(&PIECES), times));
    }
    text
}

/// Random scripts, and a small file as it is.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let plain = file(&mut Script::new(&[])).to_string();
    let raw =
        [&[255][..], &(plain.len() as u16).to_le_bytes(), plain.as_bytes(), b"\x06abc\x08Ab ab"].concat();
    let mut seeds = crate::random::scripts(16, 200);
    seeds.push(raw);
    seeds
}
