//! Added tokens: strings that are found in the text before it is split into words.

use std::ops::Range;

use crate::categories::is_word;
use crate::trie::Trie;

/// How one added token matches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// Id of the token.
    pub(crate) id: u32,
    /// Matches only where no word character is directly before or after it.
    pub(crate) single_word: bool,
    /// The match includes the white space before the token.
    pub(crate) left_strip: bool,
    /// The match includes the white space after the token.
    pub(crate) right_strip: bool,
}

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// An added token, by id, and the bytes that it takes.
    Token(u32, Range<usize>),
    /// The bytes of a text between added tokens; never empty.
    Text(Range<usize>),
}

/// Finds the added tokens of one kind. The leftmost match wins, and of the matches that begin there
/// the longest. Matches do not overlap.
pub(crate) struct Matcher {
    patterns: Trie,
    rules: Vec<Rule>,
}

impl Matcher {
    /// Builds a matcher. Of equal patterns the first one counts; no pattern may be empty.
    pub(crate) fn new(patterns: &[(String, Rule)]) -> Matcher {
        Matcher {
            patterns: Trie::new(
                patterns.iter().zip(0..).map(|((pattern, _), index)| (pattern.as_str(), index)),
            ),
            rules: patterns.iter().map(|&(_, rule)| rule).collect(),
        }
    }

    /// Calls `part` for each part of `text`, in order.
    ///
    /// White space that one match includes can contain further matches. As in `tokenizers` they
    /// count, unless stripping to the left leaves nothing of them. The text that follows begins
    /// after the last match.
    pub(crate) fn split(&self, text: &str, mut part: impl FnMut(Found)) {
        let bytes = text.as_bytes();
        // Everything before this offset has been handed to `part`.
        let mut spent = 0;
        // The end of the last white space skipped to the right, so that no white space is scanned
        // twice.
        let mut spaces_end = 0;
        let mut at = 0;
        while at < bytes.len() && !self.patterns.is_empty() {
            let Some((length, index)) = self.patterns.longest(Trie::ROOT, &bytes[at..]) else {
                at += 1;
                continue;
            };
            let (mut start, mut end) = (at, at + length);
            at = end;
            let rule = self.rules[index as usize];
            if rule.single_word && touches_word(text, start, end) {
                continue;
            }
            if rule.left_strip {
                let free = spent.min(start);
                start = (free + text[free..start].trim_end().len()).max(spent);
            }
            if rule.right_strip {
                if end > spaces_end {
                    spaces_end = text.len() - text[end..].trim_start().len();
                }
                end = spaces_end;
            }
            if start >= end {
                continue; // an earlier match has included all of it
            }
            if spent < start {
                part(Found::Text(spent..start));
            }
            part(Found::Token(rule.id, start..end));
            spent = end;
        }
        if spent < text.len() {
            part(Found::Text(spent..text.len()));
        }
    }
}

fn touches_word(text: &str, start: usize, end: usize) -> bool {
    text[..start].chars().next_back().is_some_and(is_word) || text[end..].chars().next().is_some_and(is_word)
}
