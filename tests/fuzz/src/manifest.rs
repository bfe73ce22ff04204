//! `lockstep.json`. A manifest that is accepted is written and read back as the same one, and its
//! pieces cover the file.

use lockstep_folder::manifest::{Manifest, sha256};
use lockstep_folder::{ONNX, RUNTIME, TOKENIZER};

use crate::edits::{JSON, splice};
use crate::script::Script;

/// A manifest of a model and its two files.
fn good() -> String {
    let digest = sha256(b"");
    serde_json::json!({
        "format": 1, "model_id": "m", "model_type": "bert", "pooling": "mean", "hidden_size": 32,
        "layers": 1, "max_input_length": 4, "vocabulary": 3, "vector_unit": 0.001, "labels": ["a", "b"],
        "logit_unit": 0.5, "digests": { ONNX: digest, TOKENIZER: digest, RUNTIME: digest },
        "pieces": { RUNTIME: [digest] },
    })
    .to_string()
}

/// Reads a script as a manifest and a file. Returns whether the manifest was accepted.
pub fn run(bytes: &[u8]) -> bool {
    let mut script = Script::new(bytes);
    let text = if script.chance(48) {
        script.rest().to_vec()
    } else {
        let mut text = good().into_bytes();
        splice(&mut text, &mut script, &JSON, 4);
        text
    };
    let Ok(manifest) = Manifest::read(&text) else { return false };
    let written = serde_json::to_vec(&manifest).expect("a manifest is JSON");
    assert_eq!(Manifest::read(&written).expect("what was written"), manifest);
    assert_eq!(manifest.model_digest().len(), 64);
    let file = script.rest();
    for name in [ONNX, TOKENIZER, RUNTIME] {
        let Ok(pieces) = manifest.pieces(name, file) else { continue };
        let covered: Vec<u8> = pieces.iter().flat_map(|(piece, _)| piece.iter().copied()).collect();
        assert_eq!(covered, file, "the pieces of a file");
        let right = manifest.digest(name).is_ok_and(|digest| digest == sha256(file));
        assert_eq!(manifest.verify(name, file).is_ok(), right);
    }
    true
}

/// A good manifest, and as bytes of its own.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let raw = [&[255][..], good().as_bytes()].concat();
    vec![vec![0, 0], vec![0, 0, 1, 2, 3], raw, vec![0, 1, 9, 0, 0, 12], vec![0, 4, 200, 1, 3, 10, 20, 2, 30]]
}
