//! Reads a safetensors file.

use std::collections::BTreeMap;

use safetensors::{Dtype, SafeTensors};

use super::tensor::{Tensor, is_parameter};

/// Reads all float tensors. Tensors of other types are skipped unless they have the name of a
/// weight.
///
/// # Errors
/// Says that the file is damaged, or names the tensor whose type is not supported.
pub(super) fn read(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, String> {
    if bytes.starts_with(b"version https://git-lfs") {
        return Err("not a safetensors file but the pointer to one; `git lfs pull` fetches it".to_owned());
    }
    let file = SafeTensors::deserialize(bytes).map_err(|e| format!("not a safetensors file: {e}"))?;
    let mut tensors = BTreeMap::new();
    for (name, view) in file.tensors() {
        let raw = view.data();
        let data = match view.dtype() {
            Dtype::F32 => raw.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
            Dtype::F16 => {
                raw.chunks_exact(2).map(|b| half::f16::from_le_bytes([b[0], b[1]]).to_f32()).collect()
            }
            Dtype::BF16 => {
                raw.chunks_exact(2).map(|b| half::bf16::from_le_bytes([b[0], b[1]]).to_f32()).collect()
            }
            Dtype::F64 => raw
                .chunks_exact(8)
                .map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f32)
                .collect(),
            _ if !is_parameter(&name) => continue,
            other => return Err(format!("tensor {name} has type {other:?}, allowed: F32, F16, BF16, F64")),
        };
        tensors.insert(name, Tensor { shape: view.shape().to_vec(), data });
    }
    Ok(tensors)
}
