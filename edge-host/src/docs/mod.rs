//! The description of the daemon: `GET /openapi.json`, and `GET /docs`, a page that shows it and
//! sends requests.
//!
//! The page is a few files in the binary. It loads nothing from elsewhere, and its policy forbids
//! it to, so it works without a network and shows nothing to anybody else.

mod answer;
mod document;
mod page;

pub(crate) use answer::answer;
