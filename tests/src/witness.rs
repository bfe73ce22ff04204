//! Runs `model.onnx` in ONNX Runtime, an implementation that shares no code with Lockstep.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::places::{need, python, workspace};

/// The integers of ONNX Runtime for each sequence of token ids and type ids.
///
/// # Panics
/// If Python or the model is missing, or the answer is not one list for each sequence.
#[must_use]
pub fn integers(model: &Path, sequences: &[(Vec<u32>, Vec<u8>)]) -> Vec<Vec<i32>> {
    need(&python());
    let mut child = Command::new(python())
        .arg(workspace().join("quantize/tools/ort_integers.py"))
        .arg(model.join(lockstep_folder::ONNX))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let lines: String = sequences
        .iter()
        .map(|(ids, type_ids)| format!("{}\n", json!({"ids": ids, "type_ids": type_ids})))
        .collect();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("python ends");
    assert!(output.status.success(), "ort_integers.py failed: {}", output.status);
    writer.join().expect("the writer ends").expect("python reads everything");
    let answers: Vec<Vec<i32>> = String::from_utf8(output.stdout)
        .expect("UTF-8")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a list of integers"))
        .collect();
    assert_eq!(answers.len(), sequences.len(), "an answer a sequence");
    answers
}
