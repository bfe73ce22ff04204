//! Which Rust file uses what which other file of its crate defines.
//!
//! - A path such as `crate::a::X`, `super::X`, `a::X` or an imported `X` is followed through
//!   modules and `use` lines to the file that defines `X`. Paths inside macros are followed as
//!   well.
//! - `mod child;` and `pub use child::X;` are no use: they place the child in its parent.
//! - Items under `#[cfg(test)]` do not count.
//! - Methods are not followed: that needs the types. Neither are paths in format strings.

mod resolve;
mod tree;
mod uses;

use std::path::Path;

pub use tree::Read;

use crate::graph::Graph;

/// The uses between the files of the crate whose root file is `root`; the nodes are paths of files.
///
/// `read` gives the text of a file, or `None` if there is no such file.
///
/// # Panics
/// If a file is missing or is not Rust.
#[must_use]
pub fn uses(root: &Path, read: Read<'_>) -> Graph {
    uses::graph(&tree::Tree::load(root, read))
}
