//! The command line of `bench`.

use std::path::PathBuf;

use clap::Parser;

/// Measures milliseconds on one thread beside the peers, all in one run; `make bench` calls it.
#[derive(Parser)]
pub(crate) struct Arguments {
    /// The model folder.
    #[arg(long)]
    pub(crate) model: PathBuf,
    /// The folder of the WebAssembly modules.
    #[arg(long)]
    pub(crate) modules: PathBuf,
    /// The folder of the float model, `fp32.onnx`, and of ONNX Runtime's, `int8.onnx`.
    #[arg(long)]
    pub(crate) teacher: PathBuf,
    /// Python with ONNX Runtime.
    #[arg(long)]
    pub(crate) python: PathBuf,
    /// The program `lockstep-peer-rten`.
    #[arg(long)]
    pub(crate) rten: PathBuf,
    /// The report to write, a JSON file; a plot is written beside it.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Only checks that every engine runs and that all agree: the times mean nothing.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Where engines run: native, wasmtime, chromium, node. All by default.
    #[arg(long = "where", value_delimiter = ',')]
    places: Vec<String>,
    /// Engines, such as lockstep or ort-int8. All by default.
    #[arg(long, value_delimiter = ',')]
    engines: Vec<String>,
    /// Cases: tokens, such as 16, or sequences by tokens, such as 32x32. All by default.
    #[arg(long = "n", value_delimiter = ',')]
    cases: Vec<String>,
}

impl Arguments {
    /// Whether `--where` names this place, or is not given.
    pub(crate) fn wants_place(&self, place: &str) -> bool {
        self.places.is_empty() || self.places.iter().any(|wanted| wanted == place)
    }

    /// Whether `--engines` names this engine, or is not given.
    pub(crate) fn wants_engine(&self, engine: &str) -> bool {
        self.engines.is_empty() || self.engines.iter().any(|wanted| wanted == engine)
    }

    /// Whether `--n` names this case, or is not given.
    pub(crate) fn wants_case(&self, (batch, n): (usize, usize)) -> bool {
        let name = if batch == 1 { n.to_string() } else { format!("{batch}x{n}") };
        self.cases.is_empty() || self.cases.contains(&name)
    }
}
