//! A module with its parameters, verilated and compiled when a bench needs it.

use std::fmt::Display;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use sha2::{Digest, Sha256};

use crate::{Error, sources};

/// The C interface of a verilated design.
const SHIM: &str = include_str!("../shim/shim.cpp");
/// What designs that can write waveforms have beside it.
const TRACE: &str = include_str!("../shim/trace.cpp");
/// A number to change when the way of building changes.
const RECIPE: &str = "2";
/// Generated code of up to this many bytes is compiled as one file: reading the headers costs more
/// than compiling the code.
const ONE_UNIT: u64 = 300_000;
/// The parts of Verilator's run time that a design may need.
const RUNTIME: [&str; 4] = ["verilated", "verilated_threads", "verilated_cov", "verilated_fst_c"];
/// Options of a build that counts coverage. Without `-fno-split`, Verilator counts a branch of a
/// combinational block by its condition after the block, not within it.
const COVERAGE: [&str; 3] = ["--coverage-line", "--coverage-toggle", "-fno-split"];
const CXX: [&str; 9] = [
    "-std=c++17",
    "-fPIC",
    "-fvisibility=hidden",
    // Two designs in one process must not share static variables of the run time.
    "-fno-gnu-unique",
    "-w",
    "-pthread",
    "-DVL_USER_STOP",
    "-DVL_USER_FATAL",
    "-DVL_USER_FINISH",
];

/// What the C++ compiler optimises for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optimize {
    /// A quick build, for benches of units.
    Build,
    /// A quick simulation, for layers and models.
    Run,
}

/// A module of the RTL with its parameters.
#[derive(Clone, Debug)]
pub struct Design {
    top: String,
    parameters: Vec<(String, String)>,
    optimize: Optimize,
    threads: usize,
    traced: bool,
}

impl Design {
    /// The module `top` with its default parameters.
    #[must_use]
    pub fn new(top: impl Into<String>) -> Self {
        Self { top: top.into(), parameters: Vec::new(), optimize: Optimize::Build, threads: 1, traced: false }
    }

    /// Sets a parameter. A string needs its quotation marks.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, value: impl Display) -> Self {
        self.parameters.push((name.into(), value.to_string()));
        self
    }

    /// Chooses between a quick build and a quick simulation.
    #[must_use]
    pub const fn optimize(mut self, optimize: Optimize) -> Self {
        self.optimize = optimize;
        self
    }

    /// Builds the design so that it can write waveforms: [`crate::Sim::trace`]. It is another
    /// build, and a slower one, than the same design without them.
    #[must_use]
    pub const fn traced(mut self) -> Self {
        self.traced = true;
        self
    }

    /// Whether the design can write waveforms.
    pub(crate) const fn is_traced(&self) -> bool {
        self.traced
    }

    /// Sets the number of threads of the simulation.
    #[must_use]
    pub const fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// The name of the top module.
    #[must_use]
    pub fn top(&self) -> &str {
        &self.top
    }

    /// A digest of sixteen digits: of the sources, the parameters and the way of building.
    ///
    /// # Errors
    /// There is no such module, or a file cannot be read.
    pub fn digest(&self) -> Result<String, Error> {
        self.key(&sources::of(&self.top)?, false, false)
    }

    /// The shared library of this design. It is built if it does not exist yet.
    pub(crate) fn library(&self, trace: bool, coverage: bool) -> Result<PathBuf, Error> {
        let files = sources::of(&self.top)?;
        let root = cache_folder();
        fs::create_dir_all(&root).map_err(Error::file(&root))?;
        let key = self.key(&files, trace, coverage)?;
        let folder = root.join(format!("{}-{key}", self.top));
        let library = folder.join("model.so");
        if library.exists() {
            return Ok(library);
        }
        let _lock = lock(&root.join(format!("{}-{key}.lock", self.top)))?;
        if !library.exists() {
            let runtime = runtime(&root)?;
            let work = root.join(format!("{}-{key}.building", self.top));
            let _ = fs::remove_dir_all(&work);
            self.verilate(&files, &work, trace, coverage)?;
            self.compile(&work, &runtime, trace, coverage)?;
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).map_err(Error::file(&folder))?;
            fs::rename(work.join("model.so"), &library).map_err(Error::file(&library))?;
            let _ = fs::remove_dir_all(&work);
        }
        Ok(library)
    }

    fn key(&self, files: &[PathBuf], trace: bool, coverage: bool) -> Result<String, Error> {
        let mut hash = Sha256::new();
        let settings = (&self.parameters, self.optimize, self.threads, trace, coverage);
        hash.update(format!("{RECIPE} {SHIM} {} {settings:?} {CXX:?}", self.top));
        if trace {
            hash.update(TRACE);
        }
        if coverage {
            hash.update(format!("{COVERAGE:?}"));
        }
        for file in files {
            hash.update(file.as_os_str().as_encoded_bytes());
            hash.update(fs::read(file).map_err(Error::file(file))?);
        }
        Ok(hash.finalize()[..8].iter().map(|b| format!("{b:02x}")).collect())
    }

    fn verilate(&self, files: &[PathBuf], work: &Path, trace: bool, coverage: bool) -> Result<(), Error> {
        let mut command = Command::new("verilator");
        command.args(["--cc", "--assert", "--no-timing", "-Wno-fatal", "-O3", "--prefix", "Vtop"]);
        command.args(["--x-initial", "unique", "--x-assign", "unique", "--output-split", "30000"]);
        command.args(["--top-module", &self.top, "--Mdir"]).arg(work);
        command.arg(format!("-I{}", sources::rtl().display()));
        if trace {
            command.args(["--trace-fst", "--trace-structs"]);
        }
        if coverage {
            command.args(COVERAGE);
        }
        if self.threads > 1 {
            command.arg("--threads").arg(self.threads.to_string());
        }
        command.args(self.parameters.iter().map(|(name, value)| format!("-G{name}={value}")));
        run(command.args(files))?;
        let header = work.join("Vtop.h");
        let header = fs::read_to_string(&header).map_err(Error::file(&header))?;
        let shim = if trace { [SHIM, TRACE].concat() } else { SHIM.into() };
        for (name, text) in [("ports.inc", ports(&header)), ("shim.cpp", shim)] {
            let path = work.join(name);
            fs::write(&path, text).map_err(Error::file(path))?;
        }
        Ok(())
    }

    fn compile(&self, work: &Path, runtime: &Path, trace: bool, coverage: bool) -> Result<(), Error> {
        // Counting coverage costs more time than optimisation saves.
        let level = if coverage || self.optimize == Optimize::Build { "-O1" } else { "-O3" };
        let mut units = Vec::new();
        for entry in fs::read_dir(work).map_err(Error::file(work))? {
            let path = entry.map_err(Error::file(work))?.path();
            if path.extension().is_some_and(|e| e == "cpp") {
                units.push(path);
            }
        }
        units.sort();
        let bytes: u64 = units.iter().map(|u| fs::metadata(u).map_or(0, |m| m.len())).sum();
        if bytes <= ONE_UNIT {
            let all = work.join("all.cpp");
            let include = |u: &PathBuf| format!("#include \"{}\"\n", u.display());
            fs::write(&all, units.iter().map(include).collect::<String>()).map_err(Error::file(&all))?;
            units = vec![all];
        }
        in_parallel(&units, |unit| {
            // Verilator gives such names to files with code that runs once or seldom.
            let seldom = unit.to_string_lossy().contains("__Slow") || unit.ends_with("Vtop__Syms.cpp");
            let mut command = compiler(unit, if seldom { "-O0" } else { level });
            command.arg(format!("-DVM_TRACE={}", u8::from(trace)));
            command.arg(format!("-DVM_TRACE_FST={}", u8::from(trace)));
            command.arg(format!("-DVM_COVERAGE={}", u8::from(coverage)));
            run(command.arg("-I").arg(work))
        })?;
        let mut command = Command::new("g++");
        command.args(["-shared", "-pthread", "-Wl,-Bsymbolic", "-o"]).arg(work.join("model.so"));
        command.args(units.iter().map(|u| u.with_extension("o"))).arg(runtime);
        run(command.args(["-lz", "-latomic"]))
    }
}

/// The ports in the header of a verilated design, as lines `PORT(name, width, is_input)`.
fn ports(header: &str) -> String {
    let line = |line: &str| {
        let (kind, rest) = line.trim().strip_prefix("VL_")?.split_once("(&")?;
        let input = u8::from(kind.starts_with("IN"));
        let mut fields = rest.split([',', ')']);
        let (name, high, low) = (fields.next()?, fields.next()?, fields.next()?);
        let width = high.parse::<u32>().ok()? - low.parse::<u32>().ok()? + 1;
        Some(format!("PORT({name}, {width}, {input})\n"))
    };
    header.lines().filter_map(line).collect()
}

/// An archive with Verilator's run time. It is compiled once for all designs.
fn runtime(root: &Path) -> Result<PathBuf, Error> {
    let include = include_folder()?;
    let version = run_output(Command::new("verilator").arg("--version"))?;
    let mut hash = Sha256::new();
    hash.update(format!("{RECIPE} {version} {CXX:?}"));
    let key: String = hash.finalize()[..8].iter().map(|b| format!("{b:02x}")).collect();
    let archive = root.join(format!("runtime-{key}.a"));
    let _lock = lock(&root.join("runtime.lock"))?;
    if !archive.exists() {
        let work = root.join("runtime");
        fs::create_dir_all(&work).map_err(Error::file(&work))?;
        in_parallel(&RUNTIME, |unit| {
            let mut command = compiler(&include.join(unit).with_extension("cpp"), "-O2");
            run(command.arg("-o").arg(work.join(unit).with_extension("o")))
        })?;
        let made = work.join("runtime.a");
        let _ = fs::remove_file(&made);
        let objects = RUNTIME.map(|unit| work.join(unit).with_extension("o"));
        run(Command::new("ar").arg("rcs").arg(&made).args(objects))?;
        fs::rename(&made, &archive).map_err(Error::file(&archive))?;
    }
    Ok(archive)
}

fn include_folder() -> Result<PathBuf, Error> {
    let root = run_output(Command::new("verilator").args(["--getenv", "VERILATOR_ROOT"]))?;
    Ok(PathBuf::from(root.trim()).join("include"))
}

/// The command that compiles one file. The object goes beside the source unless `-o` follows.
fn compiler(unit: &Path, level: &str) -> Command {
    let mut command = Command::new("g++");
    command.args(CXX).args([level, "-c"]).arg(unit);
    if let Ok(include) = include_folder() {
        command.arg("-isystem").arg(&include).arg("-isystem").arg(include.join("vltstd"));
    }
    if let Some(folder) = unit.parent() {
        command.current_dir(folder);
    }
    command
}

/// The folder for built designs: `target/hdl` of the running build.
fn cache_folder() -> PathBuf {
    let default = || sources::folder().join("../target");
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(default, PathBuf::from).join("hdl")
}

/// Locks a file until the result is dropped, so that two processes do not build the same design.
fn lock(path: &Path) -> Result<File, Error> {
    let file = File::create(path).map_err(Error::file(path))?;
    file.lock().map_err(Error::file(path))?;
    Ok(file)
}

fn run(command: &mut Command) -> Result<(), Error> {
    run_output(command).map(drop)
}

fn run_output(command: &mut Command) -> Result<String, Error> {
    let result = command.output();
    let failed = |output: String| Error::Tool { command: format!("{command:?}"), output };
    let output = match result {
        Ok(output) => output,
        Err(e) => return Err(failed(e.to_string())),
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(failed(text(&output.stdout) + &text(&output.stderr)))
    }
}

/// Runs a function for every item, on all cores. Returns the first error.
fn in_parallel<T: Sync>(items: &[T], job: impl Fn(&T) -> Result<(), Error> + Sync) -> Result<(), Error> {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(e) = job(item) {
                        next.store(items.len(), Ordering::Relaxed);
                        failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(e);
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_from_the_header() {
        let header = "    VL_IN8(&clk_i,0,0);\n    VL_OUTW(&w_o,199,0,7);\n    VL_IN64(&q_i,39,0);\n  int x;";
        assert_eq!(ports(header), "PORT(clk_i, 1, 1)\nPORT(w_o, 200, 0)\nPORT(q_i, 40, 1)\n");
    }
}
