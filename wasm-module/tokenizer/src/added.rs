//! Added tokens: strings that are found in the text before it is split into words.

use crate::categories::is_word;
use crate::trie::Trie;

/// How one added token matches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// Id of the token.
    pub(crate) id: u32,
    /// Only where no word character touches it.
    pub(crate) single_word: bool,
    /// Takes the white space before it along.
    pub(crate) left_strip: bool,
    /// Takes the white space after it along.
    pub(crate) right_strip: bool,
}

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    /// An added token, by id.
    Token(u32),
    /// What lies between; never empty.
    Text(&'a str),
}

/// Finds the added tokens of one kind: the leftmost match, of these the longest, no overlap.
pub(crate) struct Matcher {
    patterns: Trie,
    rules: Vec<Rule>,
}

impl Matcher {
    /// Of equal patterns the first counts; no pattern may be empty.
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
    /// White space that a token took along can hold further matches. As in `tokenizers` they count
    /// too, unless they strip to the left and so nothing is left of them; text then goes on after
    /// the last match.
    pub(crate) fn split<'a>(&self, text: &'a str, mut part: impl FnMut(Part<'a>)) {
        let bytes = text.as_bytes();
        // Text before this is spent.
        let mut spent = 0;
        // End of the white space last skipped to the right: each run is looked at once.
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
                continue; // an earlier token took all of it along
            }
            if spent < start {
                part(Part::Text(&text[spent..start]));
            }
            part(Part::Token(rule.id));
            spent = end;
        }
        if spent < text.len() {
            part(Part::Text(&text[spent..]));
        }
    }
}

fn touches_word(text: &str, start: usize, end: usize) -> bool {
    text[..start].chars().next_back().is_some_and(is_word) || text[end..].chars().next().is_some_and(is_word)
}
