//! Normalization: the steps of `BertNormalizer`, of SentencePiece's normalizers and of simple ones.

use std::borrow::Cow;

use unicode_normalization_alignments::char::{
    canonical_combining_class, decompose_canonical, is_combining_mark,
};

use crate::aligned::{Aligned, Output};
use crate::categories::{is_nonspacing_mark, is_other};
use crate::charsmap::Charsmap;
use crate::pattern::Pattern;

/// One pass over a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Drops NUL, U+FFFD, control, format and private-use characters; each white-space character
    /// becomes a space.
    Clean,
    /// Puts a space before and after each CJK ideograph.
    SpaceIdeographs,
    /// Canonical decomposition (NFD).
    Decompose,
    /// Drops marks of category Mn.
    DropNonspacingMarks,
    /// Drops marks of any category (Mn, Mc, Me).
    DropMarks,
    /// Lower-cases each character by itself: no final sigma, no locale.
    Lowercase,
    /// The replacements of a SentencePiece model.
    Precompiled(Charsmap),
    /// Puts a text in the place of each match of a pattern.
    Replace {
        /// The pattern.
        pattern: Pattern,
        /// The text.
        content: String,
    },
    /// Drops white space at the ends.
    Strip {
        /// At the begin.
        left: bool,
        /// At the end.
        right: bool,
    },
    /// Puts a text before every text that is not empty.
    Prepend(String),
}

impl Step {
    /// Whether the step looks at each ASCII character by itself.
    fn is_local(&self) -> bool {
        match self {
            Step::Clean
            | Step::SpaceIdeographs
            | Step::Decompose
            | Step::DropNonspacingMarks
            | Step::DropMarks
            | Step::Lowercase => true,
            Step::Precompiled(_) | Step::Replace { .. } | Step::Strip { .. } | Step::Prepend(_) => false,
        }
    }

    fn apply(&self, text: &str, out: &mut impl Output) {
        match self {
            Step::Clean => text.chars().for_each(|c| match c {
                c if is_dropped(c) => out.skip(),
                c if c.is_whitespace() => out.put(' '),
                c => out.put(c),
            }),
            Step::SpaceIdeographs => text.chars().for_each(|c| {
                if is_ideograph(c) {
                    out.put(' ');
                    out.add(c);
                    out.add(' ');
                } else {
                    out.put(c);
                }
            }),
            Step::Decompose => decompose(text, out),
            Step::DropNonspacingMarks => keep_unless(text, is_nonspacing_mark, out),
            Step::DropMarks => keep_unless(text, is_combining_mark, out),
            Step::Lowercase => text.chars().for_each(|c| {
                let mut lower = c.to_lowercase();
                lower.next().into_iter().for_each(|c| out.put(c));
                lower.for_each(|c| out.add(c));
            }),
            Step::Precompiled(charsmap) => charsmap.apply(text, out),
            Step::Replace { pattern, content } => pattern.replace(text, content, out),
            Step::Strip { left, right } => {
                let rest = if *left { text.trim_start() } else { text };
                let kept = if *right { rest.trim_end() } else { rest };
                out.drop(&text[..text.len() - rest.len()]);
                out.keep(kept);
                out.drop(&rest[kept.len()..]);
            }
            Step::Prepend(prefix) => {
                let mut chars = text.chars();
                let Some(next) = chars.next() else { return };
                let mut all = prefix.chars().chain([next]);
                all.next().into_iter().for_each(|c| out.put(c));
                all.for_each(|c| out.add(c));
                out.keep(chars.as_str());
            }
        }
    }
}

fn keep_unless(text: &str, dropped: impl Fn(char) -> bool, out: &mut impl Output) {
    text.chars().for_each(|c| if dropped(c) { out.skip() } else { out.put(c) });
}

/// Canonical decomposition: replaces each character by its decomposition, then sorts every sequence
/// of characters with a non-zero combining class by that class. The first character of each
/// decomposition takes the place of the next one of the source, wherever it was sorted to.
fn decompose(text: &str, out: &mut impl Output) {
    fn write(c: char, first: bool, out: &mut impl Output) {
        if first { out.put(c) } else { out.add(c) }
    }
    fn flush(run: &mut Vec<(u8, char, bool)>, out: &mut impl Output) {
        run.sort_by_key(|&(class, ..)| class); // stable
        run.drain(..).for_each(|(_, c, first)| write(c, first, out));
    }
    let mut run = Vec::new();
    for c in text.chars() {
        let mut first = true;
        decompose_canonical(c, |c| {
            match canonical_combining_class(c) {
                0 => {
                    flush(&mut run, out);
                    write(c, first, out);
                }
                class => run.push((class, c, first)),
            }
            first = false;
        });
    }
    flush(&mut run, out);
}

fn is_dropped(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\0' | '\u{FFFD}' => true,
        _ => is_other(c),
    }
}

/// The blocks of ideographs that `tokenizers` separates. As there, U+2B820..=U+2B91F is not one.
fn is_ideograph(c: char) -> bool {
    matches!(
        u32::from(c),
        0x3400..=0x4DBF
            | 0x4E00..=0x9FFF
            | 0xF900..=0xFAFF
            | 0x20000..=0x2A6DF
            | 0x2A700..=0x2B81F
            | 0x2B920..=0x2CEAF
            | 0x2F800..=0x2FA1F
    )
}

/// A sequence of steps.
pub(crate) struct Normalizer {
    steps: Vec<Step>,
    /// The result for each ASCII character, or `OTHER` if the result is not one ASCII character, or
    /// if a step looks at more than the character.
    ascii: [u8; 128],
}

const OTHER: u8 = 0xFF;

impl Normalizer {
    pub(crate) fn new(steps: Vec<Step>) -> Normalizer {
        let mut normalizer = Normalizer { steps, ascii: [OTHER; 128] };
        if !normalizer.steps.iter().all(Step::is_local) {
            return normalizer;
        }
        for byte in 0..128_u8 {
            let image = normalizer.run(char::from(byte).encode_utf8(&mut [0; 4]));
            if let &[one @ ..128] = image.as_bytes() {
                normalizer.ascii[usize::from(byte)] = one;
            }
        }
        normalizer
    }

    /// The steps, in order.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Applies all steps to `text`.
    ///
    /// A table maps each ASCII character whose result is one ASCII character. Such a character
    /// neither combines nor is reordered, so no step looks across it. Only the text between such
    /// characters goes through the steps.
    pub(crate) fn normalize<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.steps.is_empty() {
            return Cow::Borrowed(text);
        }
        let kept = |byte: u8| self.ascii.get(usize::from(byte)).is_some_and(|&to| to != OTHER);
        let bytes = text.as_bytes();
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        while at < bytes.len() {
            let plain = bytes[at..].iter().take_while(|&&byte| kept(byte)).count();
            out.extend(bytes[at..at + plain].iter().map(|&b| char::from(self.ascii[usize::from(b)])));
            at += plain;
            let run = bytes[at..].iter().take_while(|&&byte| !kept(byte)).count();
            if run > 0 {
                out += &self.run(&text[at..at + run]);
                at += run;
            }
        }
        Cow::Owned(out)
    }

    /// Applies all steps to a part of the input that begins at byte `start`.
    pub(crate) fn align(&self, text: &str, start: usize) -> Aligned {
        let source = Aligned::of(text, start);
        self.steps.iter().fold(source, |text, step| text.after(start, |text, out| step.apply(text, out)))
    }

    fn run(&self, text: &str) -> String {
        let mut current = text.to_owned();
        let mut next = String::with_capacity(text.len());
        for step in &self.steps {
            next.clear();
            step.apply(&current, &mut next);
            std::mem::swap(&mut current, &mut next);
        }
        current
    }
}
