//! The float tensors of a checkpoint, by name.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::{CheckpointError, read_file};
use super::tensor::Tensor;
use super::{fp32_onnx, safetensors};
use crate::matrix::Matrix;

/// All float tensors of a checkpoint, by name without the `bert.` prefix.
pub(super) struct Tensors(BTreeMap<String, Tensor>);

impl Tensors {
    /// Reads the weights in a folder: `model.safetensors`, or else `model.onnx` or
    /// `onnx/model.onnx`.
    ///
    /// # Errors
    /// Names the file or the tensor that cannot be used.
    pub(super) fn load(folder: &Path) -> Result<Self, CheckpointError> {
        let safetensors = folder.join("model.safetensors");
        let onnx =
            ["model.onnx", "onnx/model.onnx"].map(|p| folder.join(p)).into_iter().find(|p| p.is_file());
        let (path, tensors) = match onnx {
            Some(path) if !safetensors.is_file() => {
                let tensors = fp32_onnx::read(&read_file(&path)?);
                (path, tensors)
            }
            _ => {
                let tensors = safetensors::read(&read_file(&safetensors)?);
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

    /// Whether there is a tensor of this name.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
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
    /// The tensor is missing, has another shape, or has an element that is not finite.
    pub(super) fn matrix(&self, name: &str, rows: usize, columns: usize) -> Result<Matrix, CheckpointError> {
        let tensor = self.shaped(name, &[rows, columns])?;
        Ok(Matrix { rows, columns, data: tensor.data.clone() })
    }

    /// A matrix of at least `rows` rows.
    ///
    /// # Errors
    /// As [`Self::matrix`].
    pub(super) fn matrix_at_least(
        &self,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<Matrix, CheckpointError> {
        let found = self.get(name)?.shape.first().copied().unwrap_or(0);
        self.matrix(name, found.max(rows), columns)
    }

    /// A vector of exactly this length.
    ///
    /// # Errors
    /// As [`Self::matrix`].
    pub(super) fn vector(&self, name: &str, len: usize) -> Result<Vec<f32>, CheckpointError> {
        Ok(self.shaped(name, &[len])?.data.clone())
    }
}
