//! From tokens back to a text: the decoders of a file.

use crate::byte_level::byte_of;
use crate::pattern::Pattern;

/// One step. It changes the texts of the tokens, or makes fewer of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// `WordPiece`: a space before each token that does not continue a word.
    WordPiece {
        /// What a token that continues a word begins with.
        prefix: String,
        /// Whether some spaces before punctuation and contractions go.
        cleanup: bool,
    },
    /// `ByteLevel`: visible characters back to bytes.
    ByteLevel,
    /// `Metaspace`: the visible character back to spaces.
    Metaspace {
        /// The visible character.
        replacement: char,
        /// Whether the first token has one that was no space.
        prepended: bool,
    },
    /// `Replace`: a text in the place of each match.
    Replace {
        /// What is replaced.
        pattern: Pattern,
        /// The text.
        content: String,
    },
    /// `ByteFallback`: tokens such as `<0x41>` back to bytes.
    ByteFallback,
    /// `Fuse`: one token of all.
    Fuse,
    /// `Strip`: drops a character at the ends of each token.
    Strip {
        /// The character.
        content: char,
        /// At most so many at the begin.
        start: usize,
        /// At most so many at the end.
        stop: usize,
    },
}

/// What `WordPiece` with `cleanup` replaces, in this order.
const CLEANUP: [(&str, &str); 11] = [
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" do not", " don't"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
];

impl Step {
    pub(crate) fn apply(&self, tokens: Vec<String>) -> Vec<String> {
        match self {
            Self::WordPiece { prefix, cleanup } => {
                let each = tokens.into_iter().enumerate();
                each.map(|(index, token)| of_word_piece(index, token, prefix, *cleanup)).collect()
            }
            Self::ByteLevel => {
                let bytes = |token: &String| -> Vec<u8> {
                    let bytes: Option<Vec<u8>> = token.chars().map(byte_of).collect();
                    bytes.unwrap_or_else(|| token.as_bytes().to_vec())
                };
                let all: Vec<u8> = tokens.iter().flat_map(bytes).collect();
                vec![String::from_utf8_lossy(&all).into_owned()]
            }
            Self::Metaspace { replacement, prepended } => {
                let space = |index| if index == 0 && *prepended { "" } else { " " };
                let each = tokens.iter().enumerate();
                each.map(|(index, token)| token.replace(*replacement, space(index))).collect()
            }
            Self::Replace { pattern, content } => {
                let replaced = |token: String| {
                    let mut out = String::new();
                    pattern.replace(&token, content, &mut out);
                    out
                };
                tokens.into_iter().map(replaced).collect()
            }
            Self::ByteFallback => of_bytes(tokens),
            Self::Fuse => vec![tokens.concat()],
            Self::Strip { content, start, stop } => {
                tokens.iter().map(|token| stripped(token, *content, *start, *stop).to_owned()).collect()
            }
        }
    }
}

fn of_word_piece(index: usize, token: String, prefix: &str, cleanup: bool) -> String {
    let token = match token.strip_prefix(prefix) {
        _ if index == 0 => token,
        Some(rest) => rest.to_owned(),
        None => format!(" {token}"),
    };
    if !cleanup {
        return token;
    }
    CLEANUP.iter().fold(token, |token, (from, to)| token.replace(from, to))
}

/// Bytes side by side become a text, or a replacement character each if they are none.
fn of_bytes(tokens: Vec<String>) -> Vec<String> {
    fn flush(bytes: &mut Vec<u8>, out: &mut Vec<String>) {
        let count = bytes.len();
        if count > 0 {
            match String::from_utf8(std::mem::take(bytes)) {
                Ok(text) => out.push(text),
                Err(_) => out.extend((0..count).map(|_| char::REPLACEMENT_CHARACTER.to_string())),
            }
        }
    }
    let (mut out, mut bytes) = (Vec::new(), Vec::new());
    for token in tokens {
        let digits = token.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
        let digits = digits.filter(|digits| digits.len() == 2);
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => bytes.push(byte),
            None => {
                flush(&mut bytes, &mut out);
                out.push(token);
            }
        }
    }
    flush(&mut bytes, &mut out);
    out
}

fn stripped(token: &str, content: char, start: usize, stop: usize) -> &str {
    let mut rest = token;
    for _ in 0..start {
        rest = rest.strip_prefix(content).unwrap_or(rest);
    }
    for _ in 0..stop {
        rest = rest.strip_suffix(content).unwrap_or(rest);
    }
    rest
}
