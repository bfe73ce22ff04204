//! The reasons to refuse a pack.

/// Two packs, or a pack and a model, that do not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What the pack has.
    pub pack: String,
    /// What is here.
    pub here: String,
}

/// Why a pack cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// The bytes are none of this format.
    #[error("not a vector pack: {0}")]
    Foreign(String),
    /// The pack breaks a rule of the format, or its bytes have changed.
    #[error("a damaged vector pack: {0}")]
    Damaged(String),
    /// The pack is of another model.
    #[error("the vector pack is of model {}, here is {}; make a pack with this model", .0.pack, .0.here)]
    OtherModel(Mismatch),
    /// The pack is of this model, with another length limit or prompt of documents.
    #[error(
        "the vector pack is of space {}, here is {}: another length limit or prompt of documents; make a \
         pack with this model folder",
        .0.pack, .0.here
    )]
    OtherSpace(Mismatch),
    /// The model is none whose vectors a pack could have.
    #[error("{0} is a classifier, which has no vectors; a vector pack needs an embedding model")]
    NoVectors(String),
    /// A delta does not go on from what is loaded.
    #[error("the delta goes on from {}, loaded is {}; load a full pack", .0.pack, .0.here)]
    OtherBase(Mismatch),
    /// More deltas than a reader keeps.
    #[error("{0} deltas are loaded, which is the limit; load a full pack")]
    TooManyDeltas(usize),
}

impl PackError {
    pub(crate) fn damaged(why: impl Into<String>) -> Self {
        Self::Damaged(why.into())
    }
}
