//! The float tensors of a checkpoint, by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::{CheckpointError, read_file};
use super::prefix::without_prefix;
use super::source::Source;
use super::tensor::Tensor;
use super::{fp32_onnx, safetensors, sharded};
use crate::matrix::Matrix;

/// What exporters do to weights that they can compute with.
const FOLDED: &str = "; an export with fixed shapes folds it into the graph: export with dynamic axes \
    (dynamic_shapes), or give model.safetensors";

/// All float tensors of a checkpoint, by name without the prefix before `embeddings.`.
pub(super) struct Tensors {
    /// The file, or the index of its parts.
    path: PathBuf,
    tensors: BTreeMap<String, Tensor>,
    /// Whether the file is an ONNX file.
    onnx: bool,
}

impl Tensors {
    /// Reads the weights in a folder, wherever [`Source`] finds them.
    ///
    /// # Errors
    /// Names the file or the tensor that cannot be used.
    pub(super) fn load(folder: &Path) -> Result<Self, CheckpointError> {
        let fail = |path: &Path| {
            let path = path.to_owned();
            move |reason| CheckpointError::Weights { path, reason }
        };
        let source = Source::find(folder)?;
        let onnx = matches!(source, Source::Onnx(_));
        let (path, tensors) = match source {
            Source::Safetensors(path) => {
                let tensors = safetensors::read(&read_file(&path)?).map_err(fail(&path))?;
                (path, tensors)
            }
            Source::Index(path) => {
                let tensors = sharded::read(&path)?;
                (path, tensors)
            }
            Source::Onnx(path) => {
                let beside = path.parent().unwrap_or(folder);
                let tensors = fp32_onnx::read(&read_file(&path)?, beside).map_err(fail(&path))?;
                (path, tensors)
            }
        };
        let tensors = without_prefix(tensors).map_err(fail(&path))?;
        Ok(Self { path, tensors, onnx })
    }

    /// Reads one safetensors file, with the names as they are.
    ///
    /// # Errors
    /// Names the file, and the tensor that cannot be used.
    pub(super) fn of_file(path: &Path) -> Result<Self, CheckpointError> {
        let tensors = safetensors::read(&read_file(path)?)
            .map_err(|reason| CheckpointError::Weights { path: path.into(), reason })?;
        Ok(Self { path: path.into(), tensors, onnx: false })
    }

    /// Refuses tensors of other names.
    ///
    /// # Errors
    /// Names the first one.
    pub(super) fn refuse_others(&self, known: &[&str]) -> Result<(), CheckpointError> {
        let Some(name) = self.tensors.keys().find(|name| !known.contains(&name.as_str())) else {
            return Ok(());
        };
        let reason = format!("tensor {name}, which has no use here; expected: {}", known.join(", "));
        Err(CheckpointError::Weights { path: self.path.clone(), reason })
    }

    /// Whether there is a tensor of this name.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    fn get(&self, name: &str) -> Result<&Tensor, CheckpointError> {
        let path = || self.path.clone();
        let tensor = self.tensors.get(name).ok_or_else(|| CheckpointError::Missing {
            path: path(),
            name: name.into(),
            advice: if self.onnx { FOLDED } else { "" },
        })?;
        match tensor.data.iter().position(|x| !x.is_finite()) {
            Some(index) => {
                let value = tensor.data[index];
                Err(CheckpointError::NotFinite { path: path(), name: name.into(), index, value })
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
            path: self.path.clone(),
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
