//! The patterns of the normalizer `Replace`: fixed text, and the few regular expressions that the
//! converters of SentencePiece models write.
//!
//! A regular expression is one or more alternatives between `|`. Each one is a character, a set of
//! characters such as `[\n\r\t]`, or `\s`, then nothing, `+`, or `{2,}`. The first alternative that
//! matches at a place counts, with as many characters as there are.

use std::iter::Peekable;
use std::str::Chars;

use crate::aligned::Output;

/// A pattern that finds non-empty parts of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// Exactly this text, not empty.
    Text(String),
    /// The alternatives of a regular expression.
    Repeats(Vec<Repeat>),
}

/// `least` or more characters of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repeat {
    set: Set,
    least: usize,
    /// Whether more than `least` characters belong to one match.
    more: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Set {
    WhiteSpace,
    Chars(Vec<char>),
}

impl Set {
    fn contains(&self, c: char) -> bool {
        match self {
            Set::WhiteSpace => c.is_whitespace(),
            Set::Chars(chars) => chars.contains(&c),
        }
    }
}

impl Pattern {
    /// Reads a regular expression; `None` if it is not one of those above.
    pub(crate) fn regular(expression: &str) -> Option<Pattern> {
        let mut chars = expression.chars().peekable();
        let mut repeats = vec![Repeat::read(&mut chars)?];
        while let Some(next) = chars.next() {
            if next != '|' {
                return None;
            }
            repeats.push(Repeat::read(&mut chars)?);
        }
        Some(Pattern::Repeats(repeats))
    }

    /// Appends `text` with `content` in the place of each match.
    pub(crate) fn replace(&self, text: &str, content: &str, out: &mut impl Output) {
        let repeats = match self {
            Pattern::Text(pattern) => {
                let mut parts = text.split(pattern.as_str());
                parts.next().into_iter().for_each(|part| out.keep(part));
                return parts.for_each(|part| {
                    out.drop(pattern);
                    content.chars().for_each(|c| out.add(c));
                    out.keep(part);
                });
            }
            Pattern::Repeats(repeats) => repeats,
        };
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let found = repeats.iter().find_map(|repeat| repeat.length(rest));
            match found {
                Some(length) => {
                    out.drop(&rest[..length]);
                    content.chars().for_each(|c| out.add(c));
                }
                None => out.put(c),
            }
            rest = &rest[found.unwrap_or(c.len_utf8())..];
        }
    }
}

impl Repeat {
    fn read(chars: &mut Peekable<Chars<'_>>) -> Option<Repeat> {
        let set = match chars.next()? {
            '\\' => escape(chars.next()?)?,
            '[' => {
                let mut set = Vec::new();
                loop {
                    match chars.next()? {
                        ']' if !set.is_empty() => break Set::Chars(set),
                        '\\' => match escape(chars.next()?)? {
                            Set::Chars(more) => set.extend(more),
                            Set::WhiteSpace => return None,
                        },
                        '^' | '-' | '[' | ']' | '&' | ':' => return None,
                        c => set.push(c),
                    }
                }
            }
            '.' | '^' | '$' | '*' | '+' | '?' | '(' | ')' | '{' | '}' | '|' | ']' => return None,
            c => Set::Chars(vec![c]),
        };
        let (quantifier, least) = match chars.peek() {
            Some('+') => ("+", 1),
            Some('{') => ("{2,}", 2),
            Some('*' | '?') => return None,
            _ => return Some(Repeat { set, least: 1, more: false }),
        };
        if !quantifier.chars().all(|c| chars.next() == Some(c)) {
            return None;
        }
        // A further quantifier, as in `a+?`, changes the first one.
        if matches!(chars.peek(), Some('+' | '?' | '*' | '{')) {
            return None;
        }
        Some(Repeat { set, least, more: true })
    }

    /// The length of a match at the begin of `text`, in bytes. A run of characters that is too
    /// short has fewer than `least` of them, so no text is looked at twice.
    fn length(&self, text: &str) -> Option<usize> {
        let mut length = 0;
        let mut count = 0;
        for c in text.chars().take_while(|&c| self.set.contains(c)) {
            if count == self.least && !self.more {
                break;
            }
            length += c.len_utf8();
            count += 1;
        }
        (count >= self.least).then_some(length)
    }
}

fn escape(c: char) -> Option<Set> {
    Some(match c {
        's' => Set::WhiteSpace,
        'n' => Set::Chars(vec!['\n']),
        'r' => Set::Chars(vec!['\r']),
        't' => Set::Chars(vec!['\t']),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn other_expressions_are_not_read() {
        for expression in [" {2,}", r"\s+", r"\s{2,}|[\n\r\t]", "a", "[ab]+", "▁"] {
            assert!(Pattern::regular(expression).is_some(), "{expression}");
        }
        for expression in [
            "", "a|", "|a", "a*", "a?", "a+?", "a{2,}+", "a{3,}", "a{2}", "a{2,3}", ".", "(a)", "[^a]",
            "[a-z]", "[]", "[]a]", r"[\s]", r"\d", r"\", "^a", "a$", "ab", "[a",
        ] {
            assert!(Pattern::regular(expression).is_none(), "{expression}");
        }
    }
}
