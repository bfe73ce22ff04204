//! A vocabulary that is an object of pieces and ids.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use crate::error::TokenizerError;

/// Ids are below this, which bounds the memory for holes in a vocabulary.
const MAX_IDS: u32 = 1 << 24;

/// The pairs of the `vocab` object in file order. Repeated keys are kept, so that they can be
/// reported.
pub(super) struct Vocabulary(pub(super) Vec<Piece>);

/// A token and its id.
pub(super) type Piece = (String, u32);

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Vocabulary;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of pieces and ids")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vocabulary, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Vocabulary(pairs))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}

/// The pieces, if no two of them share a text or an id. Their ids may have holes.
pub(super) fn checked(mut pairs: Vec<Piece>) -> Result<Vec<Piece>, TokenizerError> {
    let mut seen = HashSet::with_capacity(pairs.len());
    if let Some((piece, _)) = pairs.iter().find(|(piece, _)| !seen.insert(piece.as_str())) {
        return Err(TokenizerError::DuplicatePiece { piece: piece.clone() });
    }
    drop(seen);
    pairs.sort_by_key(|&(_, id)| id);
    if let Some([first, second]) = pairs.array_windows().find(|[first, second]| first.1 == second.1) {
        let (first, second, id) = (first.0.clone(), second.0.clone(), first.1);
        return Err(TokenizerError::DuplicateId { id, first, second });
    }
    match pairs.last() {
        Some((piece, id)) if *id >= MAX_IDS => {
            Err(TokenizerError::IdTooLarge { piece: piece.clone(), id: *id, limit: MAX_IDS })
        }
        _ => Ok(pairs),
    }
}
