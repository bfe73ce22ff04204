//! `ByteLevel`: splits a text as GPT-2 and RoBERTa do, and writes each byte as a visible character.

use crate::aligned::Part;
use crate::categories::{is_letter, is_number};

/// The pre-tokenizer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ByteLevel {
    /// Whether a text that does not begin with a space gets one.
    pub(crate) prefix_space: bool,
    /// Whether the text is split into words.
    pub(crate) split: bool,
}

/// What follows an apostrophe in a word of its own; the first one that fits counts.
const CONTRACTIONS: [&str; 7] = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

impl ByteLevel {
    /// Calls `word` for each word of a text, which is not empty.
    pub(crate) fn split(&self, text: Part<'_>, mut word: impl FnMut(Part<'_>)) {
        let (spaced, spans);
        let mut rest = text;
        if self.prefix_space && !text.text.starts_with(' ') {
            spaced = format!(" {}", text.text);
            // The space comes from where the first character does.
            spans = text.spans.map(|spans| [&spans[..1], spans].concat());
            rest = Part { text: &spaced, spans: spans.as_deref() };
        }
        let (mut visible, mut places) = (String::new(), Vec::new());
        while !rest.text.is_empty() {
            let length = if self.split { word_length(rest.text) } else { rest.text.len() };
            let part = rest.slice(0..length);
            visible.clear();
            visible.extend(part.text.bytes().map(char_of));
            if let Some(spans) = part.spans {
                places.clear();
                let sizes = visible.chars().map(char::len_utf8);
                spans.iter().zip(sizes).for_each(|(&span, size)| places.resize(places.len() + size, span));
            }
            word(Part { text: &visible, spans: part.spans.map(|_| places.as_slice()) });
            rest = rest.slice(length..rest.text.len());
        }
    }
}

/// The length of the word that `text` begins with, by the regular expression of GPT-2:
///
/// ```text
/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
/// ```
fn word_length(text: &str) -> usize {
    if let Some(found) = CONTRACTIONS.iter().find(|end| text.starts_with(**end)) {
        return found.len();
    }
    let body = text.strip_prefix(' ').unwrap_or(text);
    let kind = body.chars().next().map(kind_of);
    if let Some(kind) = kind.filter(|kind| *kind != Kind::Space) {
        let end = body.find(|c| kind_of(c) != kind).unwrap_or(body.len());
        return text.len() - body.len() + end;
    }
    // White space; its last character belongs to the word behind it, if there is one.
    let end = text.find(|c: char| !c.is_whitespace()).unwrap_or(text.len());
    let last = text[..end].char_indices().next_back().map_or(0, |(at, _)| at);
    if end == text.len() || last == 0 { end } else { last }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Number,
    Space,
    Other,
}

fn kind_of(c: char) -> Kind {
    if is_letter(c) {
        Kind::Letter
    } else if is_number(c) {
        Kind::Number
    } else if c.is_whitespace() {
        Kind::Space
    } else {
        Kind::Other
    }
}

/// The visible character of a byte: itself where Latin-1 has a visible one, the others in their
/// order from U+0100.
pub(crate) fn char_of(byte: u8) -> char {
    let code = u32::from(byte);
    char::from_u32(match byte {
        0..=0x20 => 0x100 + code,
        0x7F..=0xA0 => 0x100 + 0x21 + code - 0x7F,
        0xAD => 0x143,
        _ => code,
    })
    .unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The byte of a visible character.
pub(crate) fn byte_of(c: char) -> Option<u8> {
    let code = u32::from(c);
    let byte = match code {
        0x100..=0x120 => code - 0x100,
        0x121..=0x142 => 0x7F + code - 0x121,
        0x143 => 0xAD,
        _ => code,
    };
    u8::try_from(byte).ok().filter(|&byte| char_of(byte) == c)
}
