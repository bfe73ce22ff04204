//! `RobertaProcessing` with `trim_offsets`: the place of a token is without the white space around
//! its word.

use crate::aligned::Span;
use crate::byte_level::char_of;

/// The setting of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trim {
    /// Whether the first token may begin with a space that is not in the text.
    pub(crate) prefix_space: bool,
}

impl Trim {
    /// The place of a token without white space. `first` says whether it is the first token of the
    /// text. As in `tokenizers`, a character of white space counts as one byte.
    pub(crate) fn apply(self, token: &str, first: bool, (mut start, mut end): Span) -> Span {
        let is_space = |c: &char| *c == char_of(b' ') || c.is_whitespace();
        let mut leading = token.chars().take_while(is_space).count();
        let trailing = token.chars().rev().take_while(is_space).count();
        if leading == 1 && self.prefix_space && (first || start == 0) {
            leading = 0;
        }
        start = (start + leading).min(end);
        if trailing > 0 && end >= trailing {
            end = (end - trailing).max(start);
        }
        (start, end)
    }
}
