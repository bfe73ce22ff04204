//! Reads a Hugging Face BERT checkpoint: the configuration and the float weights.
//!
//! ```text
//! config.json ----------------> config.rs ---------------------------+
//! model.safetensors ----------> safetensors.rs -+                    |
//! model.onnx (fp32 export) ---> fp32_onnx/ -----+-> tensors.rs ------+-> weights.rs
//!                                                   (by their names)     (by parts of the model)
//! ```

mod config;
mod error;
mod fp32_onnx;
mod safetensors;
mod tensor;
mod tensors;
mod weights;

pub use config::{Activation, Config};
pub use error::{CheckpointError, read_file};
pub use weights::{Checkpoint, Dense, HeadWeights, LayerWeights, Norm};
