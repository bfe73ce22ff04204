//! `Metaspace`: a visible character takes the place of spaces, and each one begins a word.

use crate::aligned::Part;

/// Where the visible character is put before a text that does not begin with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prepend {
    /// Before every text.
    Always,
    /// Before the text at the begin of the input, but not after an added token.
    First,
    /// Nowhere.
    Never,
}

/// The pre-tokenizer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Metaspace {
    /// What takes the place of a space.
    pub(crate) replacement: char,
    /// Where one is put before a text.
    pub(crate) prepend: Prepend,
    /// Whether the text is split before each of them.
    pub(crate) split: bool,
}

impl Metaspace {
    /// Calls `word` for each word of a text, which is not empty. `first` says whether it is at the
    /// begin of the input.
    pub(crate) fn split(&self, text: Part<'_>, first: bool, mut word: impl FnMut(Part<'_>)) {
        let Part { text, spans } = text;
        let mark = self.replacement;
        let begins = text.starts_with(mark) || text.starts_with(' ');
        let prepends =
            !begins && (self.prepend == Prepend::Always || self.prepend == Prepend::First && first);
        let marked: String = prepends
            .then_some(mark)
            .into_iter()
            .chain(text.chars().map(|c| if c == ' ' { mark } else { c }))
            .collect();
        let spans = spans.map(|spans| {
            let mut made = vec![spans[0]; if prepends { mark.len_utf8() } else { 0 }];
            for (at, c) in text.char_indices() {
                let size = if c == ' ' { mark.len_utf8() } else { c.len_utf8() };
                made.resize(made.len() + size, spans[at]);
            }
            made
        });
        let marked = Part { text: &marked, spans: spans.as_deref() };
        if !self.split {
            return word(marked);
        }
        let mut start = 0;
        for (at, _) in marked.text.match_indices(mark).filter(|&(at, _)| at > 0) {
            word(marked.slice(start..at));
            start = at;
        }
        word(marked.slice(start..marked.text.len()));
    }
}
