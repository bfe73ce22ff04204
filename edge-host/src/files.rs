//! Reads the files of a model folder. The module interprets the weights.

use std::{fs, path::Path};

use lockstep_folder::{MANIFEST, RUNTIME, TOKENIZER, manifest::Manifest};
use lockstep_module::{OpenError, TextReader};

use crate::error::HostError;

/// The files of a model folder.
#[derive(Debug)]
pub(crate) struct ModelFiles {
    /// `model.lockstep`
    pub(crate) model: Vec<u8>,
    /// `tokenizer.json`
    pub(crate) tokenizer: Vec<u8>,
    /// `lockstep.json`
    pub(crate) manifest: Vec<u8>,
}

impl ModelFiles {
    pub(crate) fn read(folder: &Path) -> Result<Self, HostError> {
        Ok(Self {
            model: read(&folder.join(RUNTIME))?,
            tokenizer: read(&folder.join(TOKENIZER))?,
            manifest: read(&folder.join(MANIFEST))?,
        })
    }

    /// The reader of the model's texts.
    pub(crate) fn reader(&self) -> Result<TextReader, HostError> {
        let unusable = |error: OpenError| HostError::Open(error.to_string());
        let manifest = Manifest::read(&self.manifest).map_err(|error| unusable(error.into()))?;
        TextReader::open(&self.tokenizer, &manifest).map_err(unusable)
    }
}

/// Reads a file; the error names its path.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, HostError> {
    fs::read(path).map_err(|source| HostError::File { path: path.to_owned(), source })
}
