//! `lockstep.json`, the manifest of a quantized model folder; its fields are described in
//! `wasm-module/model/FORMAT.md`.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Name of the manifest in the folder.
pub const MANIFEST: &str = "lockstep.json";
/// Name of the quantised encoder in its interchange form.
pub const MODEL: &str = "model.onnx";
/// Name of the run-time file: the same encoder, as it is run.
pub const PACKED: &str = "model.lockstep";
/// Name of the tokenizer.
pub const TOKENIZER: &str = "tokenizer.json";
/// The files that determine every result, in the order of the model's digest. The run-time file is derived from the
/// first of them.
pub const FILES: [&str; 2] = [MODEL, TOKENIZER];
/// Bytes of a piece of a file that is checked apart from the others; the last one may have fewer.
pub const PIECE: usize = 1 << 20;
/// The version of the folder that this crate knows.
pub const FORMAT: u32 = 1;

/// The manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the folder's format, [`FORMAT`].
    pub format: u32,
    /// Name of the model.
    pub model_id: String,
    /// `bert`.
    pub model_type: String,
    /// `mean` or `cls`.
    pub pooling: String,
    /// Hidden size.
    pub hidden_size: usize,
    /// Number of layers.
    pub layers: usize,
    /// Longest sequence in tokens, the special ones included.
    pub max_input_length: usize,
    /// Size of the vocabulary.
    pub vocabulary: usize,
    /// Value of one unit of a token vector, for an embedding model.
    pub vector_unit: Option<f64>,
    /// Labels, for a classifier.
    pub labels: Option<Vec<String>>,
    /// Value of one unit of a logit, for a classifier.
    pub logit_unit: Option<f64>,
    /// SHA-256 of each file in hexadecimal.
    pub digests: BTreeMap<String, String>,
    /// SHA-256 of each [`PIECE`] of large files, so that all cores can check them; not needed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pieces: BTreeMap<String, Vec<String>>,
}

/// Why a model folder is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ManifestError {
    /// Not the JSON that is wanted.
    #[error("{MANIFEST}: {0}")]
    Json(String),
    /// A version that is not known.
    #[error("{MANIFEST}: format is {0}, this program reads {FORMAT}")]
    Format(u32),
    /// A digest is not there.
    #[error("{MANIFEST}: no digest of {0}")]
    NoDigest(&'static str),
    /// A file is not the one that was quantised: truncated, corrupted or exchanged.
    #[error("{file} ({bytes} bytes) has SHA-256 {found}, {MANIFEST} says {expected}")]
    Digest {
        /// The file.
        file: &'static str,
        /// Its length.
        bytes: usize,
        /// What it has.
        found: String,
        /// What it should have.
        expected: String,
    },
    /// The digests of a file's pieces are those of another file than its own digest is.
    #[error("{MANIFEST}: the digests of the pieces of {0} are not those of the file with its SHA-256")]
    Pieces(&'static str),
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// Where it is not JSON of this format.
    pub fn read(bytes: &[u8]) -> Result<Self, ManifestError> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(|e| ManifestError::Json(e.to_string()))?;
        if manifest.format == FORMAT { Ok(manifest) } else { Err(ManifestError::Format(manifest.format)) }
    }

    /// Compares a file's bytes with its digest.
    ///
    /// # Errors
    /// Where the digest is missing or another.
    pub fn verify(&self, file: &'static str, bytes: &[u8]) -> Result<(), ManifestError> {
        let expected = self.digest(file)?;
        let found = sha256(bytes);
        if found == expected {
            return Ok(());
        }
        Err(ManifestError::Digest { file, bytes: bytes.len(), found, expected: expected.to_owned() })
    }

    /// What can be checked apart of a file, with the digests: its pieces, or all of it where the manifest has no
    /// digests of so many pieces.
    ///
    /// # Errors
    /// Where the digest is missing.
    pub fn pieces<'a>(
        &'a self,
        file: &'static str,
        bytes: &'a [u8],
    ) -> Result<Vec<(&'a [u8], &'a str)>, ManifestError> {
        let whole = self.digest(file)?;
        let pieces = self.pieces.get(file).filter(|pieces| pieces.len() == bytes.len().div_ceil(PIECE));
        Ok(pieces.map_or_else(
            || vec![(bytes, whole)],
            |pieces| bytes.chunks(PIECE).zip(pieces.iter().map(String::as_str)).collect(),
        ))
    }

    /// The digest of a file as the manifest has it.
    ///
    /// # Errors
    /// Where it has none.
    pub fn digest(&self, file: &'static str) -> Result<&str, ManifestError> {
        self.digests.get(file).map(String::as_str).ok_or(ManifestError::NoDigest(file))
    }

    /// The digest of the model as a whole: what item vectors are keyed by.
    #[must_use]
    pub fn model_digest(&self) -> String {
        let parts: Vec<&str> =
            FILES.iter().filter_map(|f| self.digests.get(*f)).map(String::as_str).collect();
        sha256(parts.concat().as_bytes())
    }
}

/// SHA-256 in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let digests = FILES.iter().map(|f| ((*f).to_owned(), sha256(f.as_bytes()))).collect();
        Manifest {
            format: FORMAT,
            model_id: "tiny".into(),
            model_type: "bert".into(),
            pooling: "mean".into(),
            hidden_size: 64,
            layers: 2,
            max_input_length: 128,
            vocabulary: 400,
            vector_unit: Some(0.1 + 0.2),
            labels: None,
            logit_unit: None,
            digests,
            pieces: BTreeMap::from([(PACKED.into(), vec!["0".into(), "1".into()])]),
        }
    }

    #[test]
    fn it_reads_what_it_writes_to_the_last_bit() {
        let written = serde_json::to_vec(&manifest()).expect("serialises");
        assert_eq!(Manifest::read(&written), Ok(manifest()));
    }

    #[test]
    fn another_format_or_file_is_named() {
        let mut other = manifest();
        assert_eq!(other.verify(MODEL, MODEL.as_bytes()), Ok(()));
        let error = other.verify(MODEL, b"model.onn").unwrap_err();
        assert!(error.to_string().starts_with("model.onnx (9 bytes) has SHA-256"), "{error}");
        other.format = 2;
        let written = serde_json::to_vec(&other).expect("serialises");
        assert_eq!(Manifest::read(&written), Err(ManifestError::Format(2)));
    }

    #[test]
    fn a_file_of_as_many_pieces_is_checked_by_pieces() {
        let mut manifest = manifest();
        manifest.digests.insert(PACKED.into(), "whole".into());
        let bytes = vec![0; 2 * PIECE + 1];
        let pieces = manifest.pieces(PACKED, &bytes[..PIECE + 1]);
        assert_eq!(pieces, Ok(vec![(&bytes[..PIECE], "0"), (&bytes[..1], "1")]));
        for other in [&bytes[..PIECE], &bytes] {
            assert_eq!(manifest.pieces(PACKED, other), Ok(vec![(other, "whole")]));
        }
        assert_eq!(manifest.pieces("another", &bytes), Err(ManifestError::NoDigest("another")));
    }

    #[test]
    fn either_file_changes_the_model_digest() {
        let mut other = manifest();
        let digest = other.model_digest();
        other.digests.insert(TOKENIZER.into(), sha256(b"another"));
        assert_ne!(other.model_digest(), digest);
    }
}
