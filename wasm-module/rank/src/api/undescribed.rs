//! Builds without the feature `openapi` have no descriptions.

/// Every endpoint, as it is.
pub(crate) trait Described {}

impl<T> Described for T {}
