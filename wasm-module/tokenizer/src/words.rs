//! The pre-tokenizers: steps that split a text into words, one after the other.

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

/// Calls `word` for each word of `text`, in order. No word is empty. `first` says whether the text
/// is at the begin of the input.
pub(crate) fn split(steps: &[Step], text: &str, first: bool, word: &mut dyn FnMut(&str)) {
    if text.is_empty() {
        return;
    }
    let Some((step, rest)) = steps.split_first() else { return word(text) };
    let mut next = |part: &str| split(rest, part, first, word);
    match step {
        Step::Bert => bert_words::split(text, next),
        Step::WhiteSpace => text.split_whitespace().for_each(next),
        Step::Metaspace(step) => step.split(text, first, &mut next),
        Step::ByteLevel(step) => step.split(text, &mut next),
    }
}
