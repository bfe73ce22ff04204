//! The vectors of items that a host has loaded from vector packs.

use lockstep_pack::{Head, Origin, Pack, PackError, Packs, of_hex};
use sha2::{Digest, Sha256};

use crate::{
    encoder::{ModelInfo, ModelKind},
    items::Space,
};

/// The packs of a host.
pub(crate) type Loaded = Packs<Vec<u8>>;

/// Where the vectors of a model's items come from, as a pack names it. `None` for a classifier,
/// which has no vectors.
#[must_use]
pub fn origin(model: &ModelInfo) -> Option<Origin> {
    let ModelKind::Embedding { dimensions: width } = model.kind else { return None };
    let space = of_hex(&Space::of(model, width).name)?;
    Some(Origin { model: of_hex(&model.model_digest)?, space, width })
}

/// Reads a pack of this model and loads it; see [`Packs::load`].
pub(crate) fn load(packs: &mut Loaded, model: &ModelInfo, file: Vec<u8>) -> Result<Head, PackError> {
    let pack = Pack::open(file)?;
    let here = origin(model).ok_or_else(|| PackError::NoVectors(model.model_id.clone()))?;
    let head = *pack.head();
    head.check(&here)?;
    packs.load(pack)?;
    Ok(head)
}

/// The vector of a text that stands behind the prompt of documents.
pub(crate) fn of_text(packs: &Loaded, text: &str) -> Option<Vec<i16>> {
    if packs.is_empty() {
        return None;
    }
    Some(packs.of_text(&Sha256::digest(text).into())?.numbers().collect())
}
