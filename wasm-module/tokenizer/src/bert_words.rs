//! `BertPreTokenizer`: white space separates words, and each punctuation character is a word.

use std::ops::Range;

use crate::categories::is_punctuation;

/// Calls `word` for the bytes of each word of `text`, in order. No word is empty.
pub(crate) fn split(text: &str, mut word: impl FnMut(Range<usize>)) {
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let alone = is_punctuation(c);
        if alone || c.is_whitespace() {
            let end = at + c.len_utf8();
            if start < at {
                word(start..at);
            }
            if alone {
                word(at..end);
            }
            start = end;
        }
    }
    if start < text.len() {
        word(start..text.len());
    }
}
