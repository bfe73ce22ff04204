//! The added tokens of a file.

use std::collections::HashSet;

use serde::Deserialize;

use crate::added::{Matcher, Rule};
use crate::error::TokenizerError;
use crate::model::Model;
use crate::normalize::Normalizer;
use crate::tokens::Tokens;

/// One added token.
#[derive(Deserialize)]
pub(super) struct AddedToken {
    id: u32,
    content: String,
    single_word: bool,
    lstrip: bool,
    rstrip: bool,
    normalized: bool,
    special: bool,
}

/// What the tokens are read to.
pub(super) struct Added {
    /// The matchers for the raw text and for the normalized text.
    pub(super) matchers: [Matcher; 2],
    /// The ids of the special tokens.
    pub(super) special: HashSet<u32>,
}

/// Reads the added tokens. Adds those that the vocabulary of `pieces` pieces does not contain to
/// `tokens`.
pub(super) fn read(
    added: Vec<AddedToken>,
    model: &Model,
    normalizer: &Normalizer,
    pieces: usize,
    tokens: &mut Tokens,
) -> Result<Added, TokenizerError> {
    // `tokenizers` counts the pieces, even if their ids have holes.
    let mut next = pieces as u32;
    let (mut seen, mut special) = (HashSet::new(), HashSet::new());
    // Each list begins with the special tokens, so that a special token wins over a plain one that
    // normalizes to the same text.
    let mut lists: [[Vec<(String, Rule)>; 2]; 2] = Default::default();
    // Empty tokens are ignored, as in `tokenizers`.
    for token in added.into_iter().filter(|token| !token.content.is_empty()) {
        let AddedToken { id: stated, content, .. } = token;
        if !seen.insert(content.clone()) {
            return Err(TokenizerError::DuplicateAddedToken { token: content });
        }
        let id = model.id(&content).unwrap_or_else(|| {
            tokens.set(next, &content);
            next += 1;
            next - 1
        });
        if id != stated {
            return Err(TokenizerError::AddedTokenId { token: content, stated, id });
        }
        let pattern =
            if token.normalized { normalizer.normalize(&content).into_owned() } else { content.clone() };
        if pattern.is_empty() {
            return Err(TokenizerError::EmptyAddedToken { token: content });
        }
        if token.special {
            special.insert(id);
        }
        let rule =
            Rule { id, single_word: token.single_word, left_strip: token.lstrip, right_strip: token.rstrip };
        lists[usize::from(token.normalized)][usize::from(!token.special)].push((pattern, rule));
    }
    let matchers = lists.map(|[special, plain]| Matcher::new(&[special, plain].concat()));
    Ok(Added { matchers, special })
}
