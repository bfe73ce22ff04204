//! Reads the files of a model folder as bytes. The module interprets them.

use std::{fs, path::Path};

use lockstep_folder::{MANIFEST, RUNTIME, TOKENIZER};

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
}

/// Reads a file; the error names its path.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, HostError> {
    fs::read(path).map_err(|source| HostError::File { path: path.to_owned(), source })
}
