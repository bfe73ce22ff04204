//! Tests of the repository itself: which file uses which, and what the documents say about it.
//!
//! The tests in `tests/house/tests` refuse circles between folders and between files, long lines in
//! documents and comments, dependencies that the documents do not list, and paths in documents that
//! lead nowhere. This library reads the sources for them. It compiles nothing, so the tests take
//! seconds: `cargo test -p lockstep-house`.
#![allow(clippy::expect_used, reason = "a source that cannot be read fails the test that reads it")]

pub mod comments;
pub mod files;
pub mod folders;
pub mod graph;
pub mod markdown;
pub mod rust;
pub mod scripts;
pub mod workspace;
