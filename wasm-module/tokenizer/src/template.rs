//! What is put around the tokens of a text or of a pair, and how much of them a limit leaves.

use crate::error::TokenizerError;

/// One element of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    /// The tokens of one text: 0 is A, 1 is B.
    Text {
        /// Which of the texts.
        index: usize,
        /// Type id of all its tokens.
        type_id: u8,
    },
    /// Special tokens.
    Special {
        /// Their ids.
        ids: Vec<u32>,
        /// Their type id.
        type_id: u8,
    },
}

/// The sequence that a model sees: each text exactly once, special tokens anywhere.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    elements: Vec<Element>,
    special_tokens: usize,
}

impl Template {
    /// `name` is `single` or `pair`, for errors; `texts` is 1 or 2.
    pub(crate) fn new(
        name: &'static str,
        texts: usize,
        elements: Vec<Element>,
    ) -> Result<Template, TokenizerError> {
        for (sequence, wanted) in [('A', 0), ('B', 1)] {
            let is_it = |e: &&Element| matches!(e, Element::Text { index, .. } if *index == wanted);
            let count = elements.iter().filter(is_it).count();
            let expected = usize::from(wanted < texts);
            if count != expected {
                let template = name;
                return Err(TokenizerError::TemplateSequence { template, sequence, count, expected });
            }
        }
        let special_tokens = elements
            .iter()
            .map(|element| match element {
                Element::Text { .. } => 0,
                Element::Special { ids, .. } => ids.len(),
            })
            .sum();
        Ok(Template { elements, special_tokens })
    }

    /// How many special tokens it adds.
    pub(crate) fn special_tokens(&self) -> usize {
        self.special_tokens
    }

    /// Fills the template; `texts` are the ids of A and, in a template of two, of B.
    pub(crate) fn fill(&self, texts: [&[u32]; 2], max_tokens: usize) -> Result<Encoding, TokenizerError> {
        let special_tokens = self.special_tokens;
        let room = max_tokens
            .checked_sub(special_tokens)
            .ok_or(TokenizerError::LimitTooSmall { max_tokens, special_tokens })?;
        let lengths = texts.map(<[u32]>::len);
        let kept = longest_first(lengths, room);
        let capacity = kept[0] + kept[1] + special_tokens;
        let mut encoding = Encoding {
            ids: Vec::with_capacity(capacity),
            type_ids: Vec::with_capacity(capacity),
            truncated: kept != lengths,
            total_tokens: lengths[0] + lengths[1] + special_tokens,
        };
        for element in &self.elements {
            let (ids, type_id) = match element {
                Element::Text { index, type_id } => (&texts[*index][..kept[*index]], *type_id),
                Element::Special { ids, type_id } => (ids.as_slice(), *type_id),
            };
            encoding.ids.extend_from_slice(ids);
            encoding.type_ids.resize(encoding.ids.len(), type_id);
        }
        Ok(encoding)
    }
}

/// A text, or a pair, as the model takes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoding {
    /// Token ids, special tokens included.
    pub ids: Vec<u32>,
    /// Type id of each token, as the template gives it: for BERT 0 in the first text, 1 in the
    /// second.
    pub type_ids: Vec<u8>,
    /// Whether the limit cut tokens off.
    pub truncated: bool,
    /// Number of tokens, special tokens included, had there been no limit.
    pub total_tokens: usize,
}

/// How many tokens of each text stay when `room` is left for both: the longer one is cut until
/// they are equally long, then both; of an odd room the longer one, or else B, gets one more.
fn longest_first([a, b]: [usize; 2], room: usize) -> [usize; 2] {
    if a.saturating_add(b) <= room {
        return [a, b];
    }
    let shorter = a.min(b).min(room / 2);
    if a > b { [room - shorter, shorter] } else { [shorter, room - shorter] }
}

#[cfg(test)]
mod tests {
    use super::longest_first;

    #[test]
    fn cuts_the_longer_text_first() {
        assert_eq!(longest_first([3, 4], 7), [3, 4]);
        assert_eq!(longest_first([3, 9], 7), [3, 4]);
        assert_eq!(longest_first([9, 3], 7), [4, 3]);
        assert_eq!(longest_first([9, 8], 7), [4, 3]);
        assert_eq!(longest_first([8, 8], 7), [3, 4]);
        assert_eq!(longest_first([9, 0], 7), [7, 0]);
        assert_eq!(longest_first([9, 9], 0), [0, 0]);
        assert_eq!(longest_first([9, 9], 1), [0, 1]);
    }
}
