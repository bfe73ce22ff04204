//! `lockstep.json`, the manifest of a model folder. `FORMAT.md` describes its fields.

use std::collections::BTreeMap;

use lockstep_arith::VERSION;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::names::{MANIFEST, RUNTIME, TOKENIZER};

/// Bytes in each separately checked piece of a file. The last piece may be shorter.
pub const PIECE: usize = 1 << 20;
/// The version of the folder's format that this crate reads and writes.
pub const FORMAT: u32 = 1;

/// The manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the folder's format: [`FORMAT`].
    pub format: u32,
    /// Name of the model.
    pub model_id: String,
    /// `bert`.
    pub model_type: String,
    /// `mean`, `cls`, `max` or `weightedmean`.
    pub pooling: String,
    /// Hidden size.
    pub hidden_size: usize,
    /// Numbers of a vector, if dense layers make them another number than the hidden size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<usize>,
    /// Number of layers.
    pub layers: usize,
    /// Most tokens of a text, special tokens included; longer texts lose their end. It is at most
    /// the number of the model's positions.
    pub max_input_length: usize,
    /// Size of the vocabulary.
    pub vocabulary: usize,
    /// Value of one unit of a token vector, or of a vector behind dense layers; only for an
    /// embedding model.
    pub vector_unit: Option<f64>,
    /// Names of the labels; only for a classifier.
    pub labels: Option<Vec<String>>,
    /// Value of one unit of a logit; only for a classifier.
    pub logit_unit: Option<f64>,
    /// From the logits to the scores of the labels, if the checkpoint states it. Otherwise the
    /// sigmoid for one label, and softmax for more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label_scores: Option<LabelScores>,
    /// What stands before a text, by name; only for an embedding model whose checkpoint has them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub prompts: BTreeMap<String, String>,
    /// The prompt of texts for which a request names none: a key of `prompts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_prompt: Option<String>,
    /// SHA-256 of each file in hexadecimal.
    pub digests: BTreeMap<String, String>,
    /// Bytes of each file, for the progress of a download. Optional.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sizes: BTreeMap<String, u64>,
    /// SHA-256 of each [`PIECE`] of the large files, so that all cores can check them. Optional.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pieces: BTreeMap<String, Vec<String>>,
}

/// The function between a classifier's logits and the scores of its labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LabelScores {
    /// One label is right.
    Softmax,
    /// Each label may be right.
    Sigmoid,
    /// The scores are the logits.
    Logits,
}

/// Why a model folder is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ManifestError {
    /// The bytes are not JSON with these fields.
    #[error("{MANIFEST}: {0}")]
    Json(String),
    /// A version of the format that this program does not know.
    #[error("{MANIFEST}: format is {0}, this program reads {FORMAT}")]
    Format(u32),
    /// The manifest has no digest of this file.
    #[error("{MANIFEST}: no digest of {0}")]
    NoDigest(&'static str),
    /// The file has another digest: it was truncated, corrupted or exchanged.
    #[error("{file} ({bytes} bytes) has SHA-256 {found}, {MANIFEST} says {expected}")]
    Digest {
        /// The file.
        file: &'static str,
        /// Its length in bytes.
        bytes: usize,
        /// The SHA-256 of the bytes.
        found: String,
        /// The SHA-256 in the manifest.
        expected: String,
    },
    /// The file matches its own digest, but the digests of its pieces belong to another file.
    #[error("{MANIFEST}: the digests of the pieces of {0} are not those of the file with its SHA-256")]
    Pieces(&'static str),
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`ManifestError::Json`] or [`ManifestError::Format`].
    pub fn read(bytes: &[u8]) -> Result<Self, ManifestError> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(|e| ManifestError::Json(e.to_string()))?;
        if manifest.format == FORMAT { Ok(manifest) } else { Err(ManifestError::Format(manifest.format)) }
    }

    /// Compares the bytes of a file with its digest.
    ///
    /// # Errors
    /// [`ManifestError::NoDigest`] or [`ManifestError::Digest`].
    pub fn verify(&self, file: &'static str, bytes: &[u8]) -> Result<(), ManifestError> {
        let expected = self.digest(file)?;
        let found = sha256(bytes);
        if found == expected {
            return Ok(());
        }
        Err(ManifestError::Digest { file, bytes: bytes.len(), found, expected: expected.to_owned() })
    }

    /// The parts of a file that can be checked independently, each with its expected digest. These
    /// are the pieces if the manifest lists a digest for each of them, and the whole file if not.
    ///
    /// # Errors
    /// [`ManifestError::NoDigest`].
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

    /// The digest of a file in the manifest.
    ///
    /// # Errors
    /// [`ManifestError::NoDigest`].
    pub fn digest(&self, file: &'static str) -> Result<&str, ManifestError> {
        self.digests.get(file).map(String::as_str).ok_or(ManifestError::NoDigest(file))
    }

    /// The digest of the model as a whole: of everything that an answer depends on. Stores key item
    /// vectors by it. `FORMAT.md` defines it.
    #[must_use]
    pub fn model_digest(&self) -> String {
        // All fields stand here, so that a new one is not forgotten.
        let Self {
            format: _,
            model_id: _,
            model_type: _,
            pooling,
            hidden_size,
            dimensions,
            layers,
            max_input_length,
            vocabulary,
            vector_unit,
            labels,
            logit_unit,
            label_scores,
            prompts,
            default_prompt,
            digests,
            sizes: _,
            pieces: _,
        } = self;
        let (vector_unit, logit_unit) = (vector_unit.map(f64::to_bits), logit_unit.map(f64::to_bits));
        let prompts: Vec<_> = prompts.iter().collect();
        let (model, tokenizer) = (digests.get(RUNTIME), digests.get(TOKENIZER));
        let all = json!([
            VERSION,
            model,
            tokenizer,
            pooling,
            hidden_size,
            dimensions,
            layers,
            max_input_length,
            vocabulary,
            vector_unit,
            labels,
            logit_unit,
            label_scores,
            prompts,
            default_prompt,
        ]);
        sha256(all.to_string().as_bytes())
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
    use crate::names::ONNX;

    fn manifest() -> Manifest {
        let digests = [RUNTIME, TOKENIZER, ONNX].map(|f| (f.to_owned(), sha256(f.as_bytes()))).into();
        Manifest {
            format: FORMAT,
            model_id: "tiny".into(),
            model_type: "bert".into(),
            pooling: "mean".into(),
            hidden_size: 64,
            dimensions: None,
            layers: 2,
            max_input_length: 128,
            vocabulary: 400,
            vector_unit: Some(0.1 + 0.2),
            labels: None,
            logit_unit: None,
            label_scores: None,
            prompts: BTreeMap::new(),
            default_prompt: None,
            digests,
            sizes: BTreeMap::new(),
            pieces: BTreeMap::from([(RUNTIME.into(), vec!["0".into(), "1".into()])]),
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
        assert_eq!(other.verify(ONNX, ONNX.as_bytes()), Ok(()));
        let error = other.verify(ONNX, b"model.onn").unwrap_err();
        assert!(error.to_string().starts_with("model.onnx (9 bytes) has SHA-256"), "{error}");
        other.format = 2;
        let written = serde_json::to_vec(&other).expect("serialises");
        assert_eq!(Manifest::read(&written), Err(ManifestError::Format(2)));
    }

    #[test]
    fn a_file_of_as_many_pieces_is_checked_by_pieces() {
        let mut manifest = manifest();
        manifest.digests.insert(RUNTIME.into(), "whole".into());
        let bytes = vec![0; 2 * PIECE + 1];
        let pieces = manifest.pieces(RUNTIME, &bytes[..PIECE + 1]);
        assert_eq!(pieces, Ok(vec![(&bytes[..PIECE], "0"), (&bytes[..1], "1")]));
        for other in [&bytes[..PIECE], &bytes] {
            assert_eq!(manifest.pieces(RUNTIME, other), Ok(vec![(other, "whole")]));
        }
        assert_eq!(manifest.pieces("another", &bytes), Err(ManifestError::NoDigest("another")));
    }

    /// A change of each field, and whether it makes another model.
    #[test]
    fn all_that_an_answer_depends_on_changes_the_model_digest() {
        type Change = (bool, fn(&mut Manifest));
        let changes: [Change; 23] = [
            (true, |m| drop(m.digests.insert(RUNTIME.into(), sha256(b"another")))),
            (true, |m| drop(m.digests.remove(RUNTIME))),
            (true, |m| drop(m.digests.insert(TOKENIZER.into(), sha256(b"another")))),
            (true, |m| m.pooling = "cls".into()),
            (true, |m| m.hidden_size = 65),
            (true, |m| m.dimensions = Some(64)),
            (true, |m| m.layers = 3),
            (true, |m| m.max_input_length = 127),
            (true, |m| m.vocabulary = 401),
            // The next number behind 0.30000000000000004.
            (true, |m| m.vector_unit = Some(0.300_000_000_000_000_1)),
            (true, |m| m.labels = Some(vec!["a".into()])),
            (true, |m| m.labels = Some(vec!["a".into(), "b".into()])),
            (true, |m| m.logit_unit = m.vector_unit),
            (true, |m| m.label_scores = Some(LabelScores::Softmax)),
            (true, |m| m.label_scores = Some(LabelScores::Sigmoid)),
            (true, |m| m.prompts = BTreeMap::from([("a".into(), "b".into())])),
            (true, |m| m.prompts = BTreeMap::from([("a".into(), "c".into())])),
            (true, |m| m.default_prompt = Some("a".into())),
            (false, |m| m.model_id = "renamed".into()),
            (false, |m| m.sizes = BTreeMap::from([(RUNTIME.into(), 1)])),
            (false, |m| m.pieces.clear()),
            (false, |m| drop(m.digests.insert(ONNX.into(), sha256(b"another")))),
            (false, |m| m.model_type = "roberta".into()),
        ];
        let mut seen = vec![manifest().model_digest()];
        for (i, (another, change)) in changes.into_iter().enumerate() {
            let mut changed = manifest();
            change(&mut changed);
            let digest = changed.model_digest();
            assert_eq!(seen.contains(&digest), !another, "change {i}");
            seen.push(digest);
        }
    }

    #[test]
    fn the_scores_of_labels_are_written_as_they_are_read() {
        let stated = Manifest { label_scores: Some(LabelScores::Sigmoid), ..manifest() };
        let written = serde_json::to_string(&stated).expect("serialises");
        assert!(written.contains("\"label_scores\":\"sigmoid\""), "{written}");
        assert_eq!(Manifest::read(written.as_bytes()), Ok(stated));
    }
}
