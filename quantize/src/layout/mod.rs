//! The folder of a sentence-transformers model, or of a bare Hugging Face checkpoint.
//!
//! ```text
//! modules.json -> modules.rs: the folders of the modules, in order
//!   Transformer: its folder has config.json, the tokenizer and the weights
//!     sentence_bert_config.json -> transformer.rs: the length limit, lower case
//!   Pooling: config.json -> pooling.rs
//!   Dense: config.json, model.safetensors -> ../checkpoint/dense_module.rs
//! config_sentence_transformers.json -> prompts.rs
//! ```
//!
//! What changes vectors is carried or refused; nothing is skipped.

mod modules;
mod pooling;
mod prompts;
mod transformer;

pub use modules::{Modules, pooling_name};
pub use prompts::Prompts;
pub use transformer::Settings;
