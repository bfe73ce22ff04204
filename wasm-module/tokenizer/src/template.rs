//! Puts special tokens around the tokens of one text or of two, and truncates to a limit.

use crate::encoding::Encoding;
use crate::error::TokenizerError;

/// One element of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    /// The tokens of one text: 0 is A, 1 is B.
    Text {
        /// The text: 0 or 1.
        index: usize,
        /// The type id of all its tokens.
        type_id: u8,
    },
    /// One or more special tokens.
    Special {
        /// Their ids.
        ids: Vec<u32>,
        /// Their type id.
        type_id: u8,
    },
}

/// The sequence that a model receives. Each text occurs exactly once, special tokens anywhere.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    elements: Vec<Element>,
    special_tokens: usize,
}

impl Template {
    /// Checks the elements. `name` is `single` or `pair` and is used in errors; `texts` is 1 or 2.
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

    /// The special tokens before and behind the first text.
    pub(crate) fn around(&self) -> [Vec<u32>; 2] {
        let is_text = |element: &Element| matches!(element, Element::Text { .. });
        let place = self.elements.iter().position(is_text).unwrap_or_default();
        let ids = |elements: &[Element]| -> Vec<u32> {
            let each = elements.iter().flat_map(|element| match element {
                Element::Special { ids, .. } => ids.as_slice(),
                Element::Text { .. } => &[],
            });
            each.copied().collect()
        };
        [ids(&self.elements[..place]), ids(&self.elements[place..])]
    }

    /// The number of special tokens that the template adds.
    pub(crate) fn special_tokens(&self) -> usize {
        self.special_tokens
    }

    /// Fills the template. `texts` are the ids of A and B; a template of one text ignores B's.
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

/// The number of tokens that each text keeps if there is room for `room` tokens of both.
///
/// The longer text is shortened until both are equally long, then both are. If `room` is odd, the
/// longer text gets one token more; of two equally long texts B gets it.
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
