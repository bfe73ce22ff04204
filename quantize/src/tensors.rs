//! Named float tensors, from safetensors or from an fp32 ONNX export.

use std::collections::BTreeMap;
use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use crate::checkpoint::{CheckpointError, Dense, Norm, read_file};
use crate::fp32_onnx;
use crate::matrix::Matrix;

/// A tensor of f32.
pub struct Tensor {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Row-major numbers.
    pub data: Vec<f32>,
}

/// All float tensors of a checkpoint, by name without the `bert.` prefix.
pub struct Tensors(BTreeMap<String, Tensor>);

impl Tensors {
    /// Reads the folder's weights.
    ///
    /// # Errors
    /// Names the file or tensor that cannot be used.
    pub fn load(folder: &Path) -> Result<Self, CheckpointError> {
        let safetensors = folder.join("model.safetensors");
        let onnx =
            ["model.onnx", "onnx/model.onnx"].map(|p| folder.join(p)).into_iter().find(|p| p.is_file());
        let (path, tensors) = match onnx {
            Some(path) if !safetensors.is_file() => {
                let tensors = fp32_onnx::read(&read_file(&path)?);
                (path, tensors)
            }
            _ => {
                let tensors = read_safetensors(&read_file(&safetensors)?);
                (safetensors, tensors)
            }
        };
        let tensors = tensors.map_err(|reason| CheckpointError::Weights { path, reason })?;
        Ok(Self(
            tensors
                .into_iter()
                .map(|(name, t)| (name.strip_prefix("bert.").unwrap_or(&name).to_owned(), t))
                .collect(),
        ))
    }

    fn get(&self, name: &str) -> Result<&Tensor, CheckpointError> {
        let tensor = self.0.get(name).ok_or_else(|| CheckpointError::Missing { name: name.into() })?;
        match tensor.data.iter().position(|x| !x.is_finite()) {
            Some(index) => {
                Err(CheckpointError::NotFinite { name: name.into(), index, value: tensor.data[index] })
            }
            None => Ok(tensor),
        }
    }

    fn shaped(&self, name: &str, expected: &[usize]) -> Result<&Tensor, CheckpointError> {
        let tensor = self.get(name)?;
        if tensor.shape == expected {
            return Ok(tensor);
        }
        Err(CheckpointError::Shape {
            name: name.into(),
            found: tensor.shape.clone(),
            expected: expected.into(),
        })
    }

    /// A matrix of exactly this shape.
    ///
    /// # Errors
    /// Where it is missing, has another shape or is not finite.
    pub fn matrix(&self, name: &str, rows: usize, columns: usize) -> Result<Matrix, CheckpointError> {
        let tensor = self.shaped(name, &[rows, columns])?;
        Ok(Matrix { rows, columns, data: tensor.data.clone() })
    }

    /// A matrix of at least so many rows.
    ///
    /// # Errors
    /// As [`Self::matrix`].
    pub fn matrix_at_least(
        &self,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<Matrix, CheckpointError> {
        let found = self.get(name)?.shape.first().copied().unwrap_or(0);
        self.matrix(name, found.max(rows), columns)
    }

    fn vector(&self, name: &str, len: usize) -> Result<Vec<f32>, CheckpointError> {
        Ok(self.shaped(name, &[len])?.data.clone())
    }

    /// `{name}.weight` and `{name}.bias`.
    ///
    /// # Errors
    /// As [`Self::matrix`].
    pub fn dense(&self, name: &str, outputs: usize, inputs: usize) -> Result<Dense, CheckpointError> {
        let weight = self.matrix(&format!("{name}.weight"), outputs, inputs)?;
        Ok(Dense { weight, bias: self.vector(&format!("{name}.bias"), outputs)? })
    }

    /// `{name}.weight` and `{name}.bias`, or the old names `gamma` and `beta`.
    ///
    /// # Errors
    /// As [`Self::matrix`].
    pub fn norm(&self, name: &str, len: usize) -> Result<Norm, CheckpointError> {
        let old = self.0.contains_key(&format!("{name}.gamma"));
        let (g, b) = if old { ("gamma", "beta") } else { ("weight", "bias") };
        Ok(Norm {
            gamma: self.vector(&format!("{name}.{g}"), len)?,
            beta: self.vector(&format!("{name}.{b}"), len)?,
        })
    }
}

/// Whether a name is one that weights have.
pub(crate) fn is_parameter(name: &str) -> bool {
    [".weight", ".bias", ".gamma", ".beta"].iter().any(|end| name.ends_with(end))
}

fn read_safetensors(bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, String> {
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
            // Buffers such as `position_ids` are no weights.
            Dtype::I64 | Dtype::I32 if !is_parameter(&name) => continue,
            other => return Err(format!("tensor {name} has type {other:?}, allowed: F32, F16, BF16")),
        };
        tensors.insert(name, Tensor { shape: view.shape().to_vec(), data });
    }
    Ok(tensors)
}
