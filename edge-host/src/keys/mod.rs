//! Who may ask: API keys, each with scopes and limits.
//!
//! The file of keys has their SHA-256 alone, so whoever reads the file cannot use them. A key has
//! 256 random bits: nobody can guess it from its hash, so the hash needs no salt and no work
//! factor.

mod bucket;
mod file;
mod new;
mod permit;
mod scope;

pub use file::{KeyFileError, read};
pub use new::{NewKey, make};
pub use permit::Keys;
pub(crate) use permit::Pass;
pub(crate) use scope::{Scope, needed};

#[cfg(test)]
mod tests;
