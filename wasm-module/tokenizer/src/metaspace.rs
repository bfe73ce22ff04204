//! `Metaspace`: a visible character takes the place of spaces, and each one begins a word.

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
    /// Calls `word` for each word of `text`, which is not empty. `first` says whether the text is
    /// at the begin of the input.
    pub(crate) fn split(&self, text: &str, first: bool, mut word: impl FnMut(&str)) {
        let mark = self.replacement;
        let mut marked = String::with_capacity(text.len() + text.len() / 2);
        let begins = text.starts_with(mark) || text.starts_with(' ');
        if !begins && (self.prepend == Prepend::Always || self.prepend == Prepend::First && first) {
            marked.push(mark);
        }
        marked.extend(text.chars().map(|c| if c == ' ' { mark } else { c }));
        if !self.split {
            return word(&marked);
        }
        let mut start = 0;
        for (at, _) in marked.match_indices(mark).filter(|&(at, _)| at > 0) {
            word(&marked[start..at]);
            start = at;
        }
        word(&marked[start..]);
    }
}
