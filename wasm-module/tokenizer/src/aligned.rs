//! Texts that know where each of their bytes comes from, by the rules of `NormalizedString` of
//! `tokenizers`: a character that takes the place of another one comes from there, a new one comes
//! from where the character before it in the source does.

use std::ops::Range;

/// Bytes of the input, from and to.
pub(crate) type Span = (usize, usize);

/// Where a step writes the text that it makes.
pub(crate) trait Output {
    /// A character takes the place of the next one of the source.
    fn put(&mut self, c: char);

    /// A new character.
    fn add(&mut self, c: char);

    /// The next character of the source is gone.
    fn skip(&mut self);

    /// The next part of the source stays as it is.
    fn keep(&mut self, text: &str) {
        text.chars().for_each(|c| self.put(c));
    }

    /// The next part of the source is gone.
    fn drop(&mut self, text: &str) {
        text.chars().for_each(|_| self.skip());
    }

    /// Another text takes the place of the next part of the source, as in `Precompiled`. Only that
    /// step calls it, and it calls nothing else.
    fn replace(&mut self, old: &str, new: &str);
}

impl Output for String {
    fn put(&mut self, c: char) {
        self.push(c);
    }

    fn add(&mut self, c: char) {
        self.push(c);
    }

    fn skip(&mut self) {}

    fn keep(&mut self, text: &str) {
        self.push_str(text);
    }

    fn drop(&mut self, _: &str) {}

    fn replace(&mut self, _: &str, new: &str) {
        self.push_str(new);
    }
}

/// A text, and where each of its bytes comes from. All bytes of a character come from one place.
#[derive(Default)]
pub(crate) struct Aligned {
    pub(crate) text: String,
    pub(crate) spans: Vec<Span>,
}

impl Aligned {
    /// A part of the input that begins at byte `start`.
    pub(crate) fn of(text: &str, start: usize) -> Self {
        let mut aligned = Self::default();
        for (at, c) in text.char_indices() {
            aligned.push(c, (start + at, start + at + c.len_utf8()));
        }
        aligned
    }

    pub(crate) fn push(&mut self, c: char, span: Span) {
        self.text.push(c);
        self.spans.resize(self.text.len(), span);
    }

    /// The whole text.
    pub(crate) fn part(&self) -> Part<'_> {
        Part { text: &self.text, spans: Some(&self.spans) }
    }

    /// The text that `step` makes of this one. `start` is where the input begins.
    pub(crate) fn after(&self, start: usize, step: impl FnOnce(&str, &mut Writer<'_>)) -> Self {
        let mut writer = Writer { source: self, start, at: 0, out: Self::default(), changes: Vec::new() };
        step(&self.text, &mut writer);
        writer.finish()
    }
}

/// Writes a text that is made of another one.
pub(crate) struct Writer<'a> {
    source: &'a Aligned,
    /// Where the part of the input begins.
    start: usize,
    /// Bytes of the source before this place are done.
    at: usize,
    out: Aligned,
    /// The characters of [`Output::replace`]: 1 for a new one; 0 for one that takes the place of
    /// another; less if further ones behind that are gone.
    changes: Vec<(char, isize)>,
}

impl Writer<'_> {
    fn next(&mut self) {
        self.at += self.source.text[self.at..].chars().next().map_or(0, char::len_utf8);
    }

    fn finish(mut self) -> Aligned {
        for (c, change) in std::mem::take(&mut self.changes) {
            if change > 0 {
                self.add(c);
            } else {
                self.put(c);
            }
            (change..0).for_each(|_| self.next());
        }
        self.out
    }
}

impl Output for Writer<'_> {
    fn put(&mut self, c: char) {
        // Replacements by `tokenizers` may lose a character, so there may be none left.
        let span = self.source.spans.get(self.at).or(self.source.spans.last());
        self.out.push(c, span.copied().unwrap_or((self.start, self.start)));
        self.next();
    }

    fn add(&mut self, c: char) {
        let before = self.at.checked_sub(1).and_then(|before| self.source.spans.get(before));
        self.out.push(c, before.copied().unwrap_or((self.start, self.start)));
    }

    fn skip(&mut self) {
        self.next();
    }

    fn replace(&mut self, old: &str, new: &str) {
        let (old, count) = (old.chars().count(), new.chars().count());
        self.changes.extend(new.chars().map(|c| (c, 0)));
        let last = self.changes.len();
        if count > old {
            self.changes[last - (count - old)..].iter_mut().for_each(|(_, change)| *change = 1);
        } else if let Some((_, change)) = self.changes.last_mut() {
            *change -= (old - count) as isize;
        }
    }
}

/// A part of a text, with or without the places of its bytes.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) text: &'a str,
    pub(crate) spans: Option<&'a [Span]>,
}

impl<'a> Part<'a> {
    /// A text whose place nobody asks for.
    pub(crate) fn plain(text: &'a str) -> Self {
        Self { text, spans: None }
    }

    /// A part of it, by bytes.
    pub(crate) fn slice(self, range: Range<usize>) -> Self {
        Self { text: &self.text[range.clone()], spans: self.spans.map(|spans| &spans[range]) }
    }

    /// Where some of its bytes come from.
    pub(crate) fn span(self, range: Range<usize>) -> Option<Span> {
        let spans = self.spans?.get(range)?;
        Some((spans.first()?.0, spans.last()?.1))
    }
}
