//! The Open Inference Protocol, version 2, over HTTP, as KServe and Triton have it.
//!
//! The model has the name of the last part of its id, for example `all-MiniLM-L6-v2`; clients may
//! also name the whole id. It has one version, `1`.
//!
//! | tensor | data type | shape | |
//! |---|---|---|---|
//! | input `text` | `BYTES` | `[n]` or `[n, 1]` | texts in UTF-8 |
//! | input `text_pair` | `BYTES` | as `text` | the second texts of a classifier's pairs; optional |
//! | output `embedding` | `FP32` | `[n, dimensions]` | unit vectors of an embedding model |
//! | output `scores` | `FP64` | `[n, labels]` | scores of a classifier, in its labels' order |

mod infer;
mod model;
mod server;
mod tensors;

pub(crate) use infer::Infer;
pub(crate) use model::{Metadata, Ready};
pub(crate) use server::{Live, Server};
pub use tensors::unpacked;
