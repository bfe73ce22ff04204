//! The pre-tokenizers: steps that split a text into words, one after the other.

use crate::aligned::Part;
use crate::bert_words;
use crate::byte_level::ByteLevel;
use crate::metaspace::Metaspace;

/// One step. It splits each word of the step before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// `BertPreTokenizer`.
    Bert,
    /// `WhitespaceSplit`: white space separates words.
    WhiteSpace,
    /// `Metaspace`.
    Metaspace(Metaspace),
    /// `ByteLevel`, the last step.
    ByteLevel(ByteLevel),
}

/// Calls `word` for each word of a text, in order. No word is empty. `first` says whether the text
/// is at the begin of the input.
pub(crate) fn split(steps: &[Step], text: Part<'_>, first: bool, word: &mut dyn FnMut(Part<'_>)) {
    if text.text.is_empty() {
        return;
    }
    let Some((step, rest)) = steps.split_first() else { return word(text) };
    let mut next = |part: Part<'_>| split(rest, part, first, word);
    match step {
        Step::Bert => bert_words::split(text.text, |range| next(text.slice(range))),
        Step::WhiteSpace => {
            let mut at = 0;
            for part in text.text.split(char::is_whitespace) {
                let end = at + part.len();
                next(text.slice(at..end));
                at = end + text.text[end..].chars().next().map_or(0, char::len_utf8);
            }
        }
        Step::Metaspace(step) => step.split(text, first, &mut next),
        Step::ByteLevel(step) => step.split(text, &mut next),
    }
}
