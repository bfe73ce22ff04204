//! Runs of `quantize`, and what they gave.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lockstep_arith::encoder::Encoder;
use serde_json::Value;
use tempfile::TempDir;

/// What a run of the program gave.
pub(crate) struct Outcome {
    /// Exit code.
    pub(crate) code: Option<i32>,
    /// What it said on standard output.
    pub(crate) stdout: String,
    /// What it said on standard error.
    pub(crate) stderr: String,
    out: TempDir,
}

/// The root of the repository.
pub(super) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The program, which `make` builds and names in `LOCKSTEP_QUANTIZE`.
pub(crate) fn program() -> PathBuf {
    let program = std::env::var_os("LOCKSTEP_QUANTIZE")
        .map_or_else(|| workspace().join("target/release/quantize"), PathBuf::from);
    assert!(program.exists(), "{} does not exist; `make model` builds it", program.display());
    program
}

pub(super) fn run_to(checkpoint: &str, model: &Path, arguments: &[&str], out: TempDir) -> Outcome {
    let mut command = Command::new(program());
    command.arg(checkpoint).arg("--out").arg(model).args(arguments);
    let run = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Outcome { code: run.status.code(), stdout: text(&run.stdout), stderr: text(&run.stderr), out }
}

impl Outcome {
    /// A file of the model folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.out.path().join("model").join(name)
    }

    /// The bytes of a file of the model folder.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.file(name)).unwrap()
    }

    /// The manifest.
    pub(crate) fn manifest(&self) -> Value {
        serde_json::from_slice(&self.bytes("lockstep.json")).unwrap()
    }

    /// The written encoder, of a run that succeeded.
    pub(crate) fn encoder(&self) -> Encoder {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        let encoder = lockstep_tests_quantize::read(&self.bytes("model.onnx")).expect("a valid model");
        let manifest =
            lockstep_folder::manifest::Manifest::read(&self.bytes("lockstep.json")).expect("a manifest");
        assert_eq!(manifest.hidden_size, encoder.hidden());
        let report = String::from_utf8(self.bytes("report.json")).unwrap();
        assert!(!report.contains("null"), "a number of the report is not finite: {report}");
        encoder
    }

    /// Why the run was refused, if it was refused as it should be; else what is wrong with that.
    pub(crate) fn refusal(&self) -> Result<&str, String> {
        let Self { code, stderr, .. } = self;
        let wrong = |what: &str| Err(format!("{what}: exit code {code:?}, {stderr:?}"));
        if stderr.contains("panicked") {
            return wrong("a panic");
        }
        if *code != Some(2) {
            return wrong("not refused");
        }
        if self.file("lockstep.json").exists() {
            return wrong("a manifest is left");
        }
        if stderr.lines().count() != 1 {
            return wrong("not one line");
        }
        stderr
            .strip_prefix("quantize: ")
            .map(str::trim_end)
            .ok_or_else(|| format!("whose message is {stderr:?}?"))
    }

    /// Checks that the run succeeded and that one of its notes says all of `words`.
    pub(crate) fn noted(&self, words: &[&str]) {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        let notes = self.notes();
        assert!(
            notes.iter().any(|note| words.iter().all(|word| note.contains(word))),
            "{words:?}: {notes:?}"
        );
    }

    /// The notes of a run.
    pub(crate) fn notes(&self) -> Vec<&str> {
        self.stderr.lines().map(|line| line.strip_prefix("quantize: note: ").unwrap_or(line)).collect()
    }

    /// Checks that the command line was refused with a text that says all of `words`.
    pub(crate) fn refused_usage(&self, words: &[&str]) {
        assert_eq!(self.code, Some(2), "{}", self.stderr);
        assert!(!self.file("lockstep.json").exists() && !self.stderr.contains("panicked"), "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "{:?} does not say {word:?}", self.stderr);
        }
    }

    /// Checks that the run was refused with a message that says all of `words`.
    pub(crate) fn refused(&self, words: &[&str]) {
        let message =
            self.refusal().unwrap_or_else(|wrong| panic!("expected a refusal with {words:?}; {wrong}"));
        for word in words {
            assert!(message.contains(word), "{message:?} does not say {word:?}");
        }
    }
}
