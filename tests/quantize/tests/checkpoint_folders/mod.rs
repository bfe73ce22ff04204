//! Checkpoint folders made by `quantize/tools/make_tiny.py`, ways to damage them, and runs of
//! `quantize` on them.

pub(crate) mod agreement;
mod damage;
mod dense;
mod extremes;
mod families;
mod layouts;
mod networks;
mod outcome;
mod tokenizers;
mod weights;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) use outcome::{Outcome, program};
use outcome::{run_to, workspace};

/// What the tests calibrate with: words of the tiny vocabulary.
const CALIBRATION: &str = "\
The bank pays cash for the house by the water.
A student reads an old book about fire and water every night!
What time does the next train leave the city?
Account number 4711, payment of 20 on day 3.
She gave him bread, fish and a letter from his friend.
Do you want to play the game or hear the story?
running, walking, riding: all of it is easy in the morning
The doctor said no; the teacher said yes.
日本 中文 (water) [fire] {air}
Programs that write programs need the best test of all.
long long short short high low left right open closed
Tell me why the machine could not find my phone number.
We would keep the small dog, but they lose their cat again and again.
";

/// Texts that no calibration has seen.
pub(crate) const HELD_OUT: [&str; 8] = [
    "A horse and a bird went to the country.",
    "The computer program shows the result of the game",
    "Money, money, money!",
    "How would a person learn to play music in one month?",
    "the first job of the day was to stop the car before it could begin to run through the house",
    "x",
    "She saw the ship; he heard the train. Then both let go & began to walk (again) under the 中京 night.",
    "bankable accountless payments",
];

/// The shape of the smallest checkpoint.
const SMALL: [&str; 8] = ["--dtype", "f32", "--hidden", "32", "--intermediate", "64", "--positions", "40"];

/// Files by name.
type Files = BTreeMap<String, Vec<u8>>;

/// A checkpoint in a folder of its own.
pub(crate) struct Folder(TempDir);

/// Runs one of the Python tools to its end.
fn tool(name: &str, arguments: &[&str]) {
    let python = std::env::var_os("LOCKSTEP_PYTHON")
        .map_or_else(|| workspace().join(".venv/bin/python"), PathBuf::from);
    assert!(python.exists(), "{} does not exist; `make venv` makes .venv", python.display());
    let mut command = Command::new(python);
    let run = command.arg(workspace().join("quantize/tools").join(name)).args(arguments).output().unwrap();
    assert!(run.status.success(), "{command:?}: {}", String::from_utf8_lossy(&run.stderr));
}

impl Folder {
    /// `make_tiny.py` with these arguments.
    pub(crate) fn made(arguments: &[&str]) -> Self {
        let folder = Self(TempDir::new().unwrap());
        let path = folder.path("");
        tool("make_tiny.py", &[&[path.to_str().unwrap()], arguments].concat());
        fs::write(folder.path("calibration.text"), CALIBRATION).unwrap();
        folder
    }

    /// The smallest checkpoint, in f32, for the tests that spoil it.
    pub(crate) fn small() -> Self {
        static FILES: OnceLock<Files> = OnceLock::new();
        Self::of(FILES.get_or_init(|| Self::made(&SMALL).files()))
    }

    /// As [`Self::small`], a classifier of three labels.
    pub(crate) fn classifier() -> Self {
        static FILES: OnceLock<Files> = OnceLock::new();
        Self::of(FILES.get_or_init(|| Self::made(&[&SMALL[..], &["--labels", "3"]].concat()).files()))
    }

    /// A folder of these files.
    fn of(files: &Files) -> Self {
        let folder = Self(TempDir::new().unwrap());
        files.iter().for_each(|(name, bytes)| folder.write(name, bytes));
        folder
    }

    fn files(&self) -> Files {
        let names =
            fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.map(|name| (name.clone(), self.read(&name))).collect()
    }

    /// The same files in another folder.
    pub(crate) fn copy(&self) -> Self {
        Self::of(&self.files())
    }

    /// The folder with `model.onnx` of `export_fp32.py` in the place of `model.safetensors`.
    pub(crate) fn exported(&self) -> Self {
        let copy = self.copy();
        copy.remove("model.safetensors");
        copy.remove("vocab.txt");
        let (from, to) = (self.path(""), copy.path("model.onnx"));
        tool("export_fp32.py", &[from.to_str().unwrap(), to.to_str().unwrap()]);
        copy
    }

    /// A file of the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), bytes).unwrap();
    }

    /// Reads a file.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Removes a file.
    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// Changes a JSON file.
    pub(crate) fn json(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut value = serde_json::from_slice(&self.read(name)).unwrap();
        change(&mut value);
        self.write(name, serde_json::to_vec(&value).unwrap());
    }

    /// Sets a field of `config.json`.
    pub(crate) fn set(&self, field: &str, value: impl Into<Value>) {
        self.json("config.json", |config| config[field] = value.into());
    }

    /// Changes the tensors: type, shape and bytes by name.
    pub(crate) fn tensors(&self, change: impl FnOnce(&mut BTreeMap<String, Stored>)) {
        let bytes = self.read("model.safetensors");
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let stored = |t: &TensorView| (t.dtype(), t.shape().to_vec(), t.data().to_vec());
        let mut tensors: BTreeMap<_, _> = file.tensors().into_iter().map(|(n, t)| (n, stored(&t))).collect();
        change(&mut tensors);
        let views = tensors.iter().map(|(n, (d, s, b))| (n, TensorView::new(*d, s.clone(), b).unwrap()));
        self.write("model.safetensors", serialize(views, None).unwrap());
    }

    /// Changes the numbers of every tensor whose name ends so; there must be one.
    pub(crate) fn numbers(&self, end: &str, mut change: impl FnMut(&mut [f32])) {
        self.tensors(|tensors| {
            let mut chosen = tensors.iter_mut().filter(|(name, _)| name.ends_with(end)).peekable();
            assert!(chosen.peek().is_some(), "no tensor {end}");
            for (_, (dtype, _, bytes)) in chosen {
                assert_eq!(*dtype, Dtype::F32);
                let word = |b: &[u8]| f32::from_le_bytes(b.try_into().unwrap());
                let mut numbers: Vec<f32> = bytes.chunks_exact(4).map(word).collect();
                change(&mut numbers);
                *bytes = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
            }
        });
    }

    /// `quantize FOLDER --out .. --calibration ..`.
    pub(crate) fn quantize(&self) -> Outcome {
        self.quantize_with(&[])
    }

    /// [`Self::quantize`] into this folder.
    pub(crate) fn quantize_to(&self, out: &Path) -> Outcome {
        let calibration = self.path("calibration.text");
        let arguments = ["--calibration", calibration.to_str().unwrap()];
        run_to(self.path("").to_str().unwrap(), out, &arguments, TempDir::new().unwrap())
    }

    /// [`Self::quantize`] with more arguments.
    pub(crate) fn quantize_with(&self, arguments: &[&str]) -> Outcome {
        let calibration = self.path("calibration.text");
        let calibration = ["--calibration", calibration.to_str().unwrap()];
        let ours = if arguments.contains(&"--calibration") { &[][..] } else { &calibration };
        run(self.path("").to_str().unwrap(), &[ours, arguments].concat())
    }
}

/// A tensor's type, shape and bytes.
pub(crate) type Stored = (Dtype, Vec<usize>, Vec<u8>);

/// `quantize CHECKPOINT --out <a new folder>` with more arguments.
pub(crate) fn run(checkpoint: &str, arguments: &[&str]) -> Outcome {
    let out = TempDir::new().unwrap();
    run_to(checkpoint, &out.path().join("model"), arguments, out)
}
