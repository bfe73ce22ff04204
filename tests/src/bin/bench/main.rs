//! Measures Lockstep beside its peers, on one thread, in milliseconds.
//!
//! - All engines of a case take turns in short slices, so a change of the machine's speed meets all
//!   of them. The bench prints the median of each; compare ratios, not times.
//! - Every engine gets the same tokens. Lockstep is timed from text to integers, in WebAssembly
//!   from JSON to JSON. The peers are timed from token ids to hidden states, without a tokenizer.
//! - The results of the timed calls are compared: integers by `==`, a peer's vectors by their
//!   cosine.

mod arguments;
mod cases;
mod contestant;
mod error;
mod module;
mod native;
mod peak;
mod plot;
mod process;
mod table;

use std::{
    process::{Command, ExitCode},
    time::Duration,
};

use arguments::Arguments;
use cases::{Case, Work};
use clap::Parser as _;
use contestant::{Contestant, Expected};
use error::Fallible;
use lockstep_folder::{MANIFEST, RUNTIME, TOKENIZER};
use lockstep_rank::{ModelKind, TextEncoder};
use lockstep_tests::{places::workspace, times::median};
use process::{Process, Remote};
use serde_json::json;
use table::Row;

/// The cases: the number of sequences, and the tokens of each.
const CASES: [(usize, usize); 5] = [(1, 16), (1, 32), (1, 64), (1, 128), (32, 32)];
const ROUNDS: usize = 4;
const PLACES: [&str; 4] = ["native", "wasmtime", "chromium", "node"];

fn main() -> ExitCode {
    match bench(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// An engine, and where it runs.
struct Entry {
    place: &'static str,
    engine: &'static str,
    contestant: Box<dyn Contestant>,
}

fn bench(arguments: &Arguments) -> Fallible<()> {
    let model = lockstep_tests::folder::open(&arguments.model);
    let ModelKind::Embedding { dimensions } = model.info().kind else {
        return Err("the bench is for embedding models".into());
    };
    let wanted = CASES.into_iter().filter(|case| arguments.wants_case(*case));
    let cases = wanted.map(|(batch, n)| Case::new(&model, batch, n)).collect::<Fallible<Vec<_>>>()?;
    drop(model);
    let work = Work::of(&lockstep_folder::runtime::read(lockstep_model::Buffer::read(
        &arguments.model.join(RUNTIME),
    )?)?);
    let peaks = peaks(arguments);
    let folder = arguments.out.parent().ok_or("--out has no folder")?;
    std::fs::create_dir_all(folder)?;
    let list = folder.join("cases.json");
    cases::write(&cases, &list)?;

    let mut entries = entries(arguments, dimensions, &list)?;
    let rounds = if arguments.quick { 1 } else { ROUNDS };
    let slice = Duration::from_millis(if arguments.quick { 1 } else { 300 });
    let total = cases.len() * rounds * entries.len();
    let mut done = 0;
    let mut rows = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let mut samples = vec![Vec::new(); entries.len()];
        let mut expected = Expected::default();
        for _ in 0..rounds {
            for (entry, samples) in entries.iter_mut().zip(&mut samples) {
                let named = |error| format!("{} {}, {}: {error}", entry.place, entry.engine, case.name());
                let turn = entry.contestant.turn(index, case, slice).map_err(named)?;
                let named = |error| format!("{} {}, {}: {error}", entry.place, entry.engine, case.name());
                expected.check(&turn.vectors).map_err(named)?;
                samples.extend(turn.ms);
                done += 1;
                eprint!("\r{done} of {total} turns, {:8}", case.name());
            }
        }
        for (entry, samples) in entries.iter().zip(samples) {
            let ms = median(&samples);
            let (place, engine) = (entry.place, entry.engine);
            let gmacs = work.of_case(case) / ms / 1e6;
            let share = peaks.iter().find(|(of, _)| *of == place).map(|(_, (_, peak))| gmacs / peak);
            rows.push(Row { place, engine, batch: case.batch, n: case.n, ms, gmacs, share });
        }
    }
    eprintln!();
    table::print(&rows, &cases);
    for (place, (name, peak)) in &peaks {
        println!("peak of {place}: {peak:.1} GMAC/s, {name}, operands in registers");
    }
    if arguments.wants_place("wasmtime") {
        println!(
            "linear memory of the module after all of these: {:.1} MiB",
            peak_memory(arguments, &cases)?
        );
    }
    table::write(&rows, &arguments.out)?;
    plot::write(&rows, &arguments.out.with_extension("svg"))
}

/// The peak rate of byte products of each place on this machine. Natively it is that of the fastest
/// instruction; WebAssembly has 128 bits.
fn peaks(arguments: &Arguments) -> Vec<(&'static str, peak::Rate)> {
    let native = || peak::native().into_iter().max_by(|(_, a), (_, b)| a.total_cmp(b));
    let of = |place| match place {
        "native" => native(),
        place => peak::wasm(place != "wasmtime"),
    };
    let wanted = PLACES.into_iter().filter(|place| arguments.wants_place(place));
    wanted.filter_map(|place| Some((place, of(place)?))).collect()
}

/// All wanted engines, Lockstep first: the peers are compared with it.
fn entries(arguments: &Arguments, hidden: usize, list: &std::path::Path) -> Fallible<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut add = |place, engine, contestant: Box<dyn Contestant>| {
        if arguments.wants_place(place) && arguments.wants_engine(engine) {
            entries.push(Entry { place, engine, contestant });
        }
    };
    let read = |name: &str| {
        let path = arguments.teacher.join(name);
        std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let (int8, fp32) = (read("int8.onnx")?, read("fp32.onnx")?);
    let wants = |engines: &[&str]| engines.iter().any(|engine| arguments.wants_engine(engine));
    add("native", "lockstep", Box::new(native::Ours::open(&arguments.model)));
    if arguments.wants_place("wasmtime") {
        let engine = module::engine(false)?;
        let with_epochs = module::engine(true)?;
        let files = lockstep_tests::folder::files(&arguments.model)?;
        for (name, engine, file) in [
            ("lockstep", &engine, "lockstep-relaxed.wasm"),
            ("lockstep-epochs", &with_epochs, "lockstep-relaxed.wasm"),
            ("lockstep-strict", &engine, "lockstep-strict.wasm"),
            ("strict-epochs", &with_epochs, "lockstep-strict.wasm"),
        ] {
            if wants(&[name]) {
                let module = module::load(engine, &arguments.modules.join(file))?;
                add("wasmtime", name, Box::new(module::Ours::open(engine, &module, &files)?));
            }
        }
        if wants(&["tract-int8", "tract-fp32"]) {
            let peer = module::load(&engine, &arguments.modules.join("peer-tract.wasm"))?;
            for (name, onnx) in [("tract-int8", &int8), ("tract-fp32", &fp32)] {
                add("wasmtime", name, Box::new(module::Tract::new(&engine, &peer, onnx.clone(), hidden)));
            }
        }
    }
    if arguments.wants_place("native") {
        if wants(&["ort-int8", "ort-fp32"]) {
            let mut python = Command::new(&arguments.python);
            python.arg(workspace().join("quantize/tools/bench_peers.py")).arg(list);
            for name in ["ort-int8", "ort-fp32"] {
                let file = arguments.teacher.join(format!("{}.onnx", &name[4..]));
                python.arg(format!("{name}={}", file.display()));
            }
            let process = Process::start("bench_peers.py", &mut python)?;
            for engine in ["ort-int8", "ort-fp32"] {
                add("native", engine, Box::new(Remote { process: process.clone(), engine }));
            }
        }
        if wants(&["rten-int8"]) {
            let mut rten = Command::new(&arguments.rten);
            rten.arg(arguments.teacher.join("int8.onnx")).arg(list);
            let process = Process::start("lockstep-peer-rten", &mut rten)?;
            add("native", "rten-int8", Box::new(Remote { process, engine: "rten-int8" }));
        }
        add("native", "tract-int8", Box::new(native::Tract::new(int8)));
        add("native", "tract-fp32", Box::new(native::Tract::new(fp32)));
    }
    for place in ["chromium", "node"] {
        if !arguments.wants_place(place) {
            continue;
        }
        let process = web(arguments, place, list)?;
        for engine in ["lockstep", "lockstep-strict", "ort-web-int8", "ort-web-fp32"] {
            add(place, engine, Box::new(Remote { process: process.clone(), engine }));
        }
    }
    if entries.is_empty() { Err("no engine is left of --where and --engines".into()) } else { Ok(entries) }
}

fn web(
    arguments: &Arguments,
    place: &str,
    list: &std::path::Path,
) -> Fallible<std::rc::Rc<std::cell::RefCell<Process>>> {
    let absolute = |path: std::path::PathBuf| std::path::absolute(path);
    let model = [RUNTIME, TOKENIZER, MANIFEST];
    let model =
        model.map(|name| absolute(arguments.model.join(name))).into_iter().collect::<Result<Vec<_>, _>>()?;
    let files = json!({
        "cases": absolute(list.to_owned())?,
        "model": model,
        "modules": {
            "lockstep": absolute(arguments.modules.join("lockstep-relaxed.wasm"))?,
            "lockstep-strict": absolute(arguments.modules.join("lockstep-strict.wasm"))?,
        },
        "onnx": {
            "ort-web-int8": absolute(arguments.teacher.join("int8.onnx"))?,
            "ort-web-fp32": absolute(arguments.teacher.join("fp32.onnx"))?,
        },
    });
    let path = list.with_file_name(format!("{place}.json"));
    std::fs::write(&path, files.to_string())?;
    let script = workspace().join("tests/bench/web.mjs");
    Process::start(place, Command::new("node").arg("--no-warnings").arg(script).arg(place).arg(path))
}

fn peak_memory(arguments: &Arguments, cases: &[Case]) -> Fallible<f64> {
    let engine = module::engine(false)?;
    let module = module::load(&engine, &arguments.modules.join("lockstep-relaxed.wasm"))?;
    let mut ours = module::Ours::open(&engine, &module, &lockstep_tests::folder::files(&arguments.model)?)?;
    for (index, case) in cases.iter().enumerate() {
        ours.turn(index, case, Duration::ZERO)?;
    }
    Ok(ours.memory_mib())
}
