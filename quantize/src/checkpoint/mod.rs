//! Reads the Hugging Face checkpoint of an encoder: the configuration and the float weights.
//!
//! ```text
//! config.json ------------------> family.rs, config.rs -------------------+
//! model.safetensors ------------> safetensors.rs -+                       |
//! its parts, with an index -----> sharded.rs -----+-> prefix.rs --------+ |
//! model.onnx (fp32 export) -----> fp32_onnx/ -----+                     | |
//!                                 tensors.rs (by their names) <---------+ |
//!                                      +-> weights.rs (by parts of the model)
//! DENSE/config.json, model.safetensors -> dense_module.rs
//! ```

mod activation;
mod config;
mod dense_module;
mod error;
mod family;
mod fp32_onnx;
mod json;
mod labels;
mod prefix;
mod safetensors;
mod sharded;
mod source;
mod tensor;
mod tensors;
mod weights;

pub use activation::Activation;
pub use config::Config;
pub use dense_module::DenseModule;
pub use error::{CheckpointError, read_file};
pub use family::Family;
pub use json::{Json, read_json, shown};
pub use weights::{Checkpoint, Dense, HeadWeights, LayerWeights, Norm};
