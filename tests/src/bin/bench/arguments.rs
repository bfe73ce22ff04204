//! The command line.

use std::path::PathBuf;

use crate::Fallible;

/// Where things are, and what is wanted.
pub(crate) struct Arguments {
    pub(crate) model: PathBuf,
    pub(crate) modules: PathBuf,
    /// Folder of `fp32.onnx` and `int8.onnx`.
    pub(crate) teacher: PathBuf,
    pub(crate) python: PathBuf,
    /// The program of `tests/peers/rten`.
    pub(crate) rten: PathBuf,
    pub(crate) out: PathBuf,
    /// Checks that all runs and agrees; the times mean nothing.
    pub(crate) quick: bool,
    places: Vec<String>,
    engines: Vec<String>,
    cases: Vec<String>,
}

impl Arguments {
    pub(crate) fn read(given: impl Iterator<Item = String>) -> Fallible<Self> {
        let given: Vec<String> = given.collect();
        let value = |name: &str| {
            let at = given.iter().position(|a| a == name)?;
            given.get(at + 1).cloned()
        };
        let path = |name: &str| value(name).map(PathBuf::from).ok_or_else(|| format!("{name} has no value"));
        let list = |name: &str| -> Vec<String> {
            let list = value(name).unwrap_or_default();
            list.split(',').filter(|entry| !entry.is_empty()).map(str::to_owned).collect()
        };
        Ok(Self {
            model: path("--model")?,
            modules: path("--modules")?,
            teacher: path("--teacher")?,
            python: path("--python")?,
            rten: path("--rten")?,
            out: path("--out")?,
            quick: given.iter().any(|a| a == "--quick"),
            places: list("--where"),
            engines: list("--engines"),
            cases: list("--n"),
        })
    }

    /// Whether a place is among those of `--where`; all are, where there is none.
    pub(crate) fn wants_place(&self, place: &str) -> bool {
        self.places.is_empty() || self.places.iter().any(|wanted| wanted == place)
    }

    /// Whether an engine is among those of `--engines`; all are, where there is none.
    pub(crate) fn wants_engine(&self, engine: &str) -> bool {
        self.engines.is_empty() || self.engines.iter().any(|wanted| wanted == engine)
    }

    /// Whether a case is among those of `--n`, such as `16` or `32x32`.
    pub(crate) fn wants_case(&self, (batch, n): (usize, usize)) -> bool {
        let name = if batch == 1 { n.to_string() } else { format!("{batch}x{n}") };
        self.cases.is_empty() || self.cases.contains(&name)
    }
}
