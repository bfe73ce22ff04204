//! `bench`: milliseconds for one sequence, one thread, beside the peers, in one run.
//!
//! Engines take turns, so that a drift of the machine's speed meets all of them; the median of each is printed, and
//! the ratios are what holds. The integers that our own engines give while they are timed are compared.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use lockstep_module::TextModel;
use lockstep_peer_tract::Plan;
use lockstep_rank::{Encoder, Text};
use lockstep_tests::folder::files;
use serde_json::{Value, json};
use wasmtime::{Config, Engine, Instance, Linker, Memory, Module, Store};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

const LENGTHS: [usize; 4] = [16, 32, 64, 128];
/// Each engine is timed this long at each length, in slices.
const SLICE: Duration = Duration::from_millis(300);
const ROUNDS: usize = 4;

struct Arguments {
    model: PathBuf,
    modules: PathBuf,
    teacher: PathBuf,
    python: PathBuf,
    out: PathBuf,
}

fn main() -> ExitCode {
    match arguments().and_then(|a| bench(&a)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Fallible<Arguments> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| -> Fallible<PathBuf> {
        let at = given.iter().position(|a| a == name).ok_or_else(|| format!("{name} is missing"))?;
        Ok(given.get(at + 1).ok_or_else(|| format!("{name} has no value"))?.into())
    };
    Ok(Arguments {
        model: value("--model")?,
        modules: value("--modules")?,
        teacher: value("--teacher")?,
        python: value("--python")?,
        out: value("--out")?,
    })
}

/// Something that runs one sequence of a fixed length.
trait Contestant {
    fn run(&mut self) -> Fallible<Vec<i32>>;
}

/// A row of the table.
struct Row {
    place: &'static str,
    engine: String,
    n: usize,
    ms: f64,
    memory_mib: Option<f64>,
}

fn bench(arguments: &Arguments) -> Fallible<()> {
    let read =
        |path: PathBuf| std::fs::read(&path).map_err(|e| format!("cannot read {}: {e}", path.display()));
    let files = files(&arguments.model)?;
    let int8 = read(arguments.teacher.join("int8.onnx"))?;
    let fp32 = read(arguments.teacher.join("fp32.onnx"))?;
    let engine = wasm_engine()?;
    let load = |name: &str| -> Fallible<Module> {
        let path = arguments.modules.join(name);
        Ok(Module::from_file(&engine, &path).map_err(|e| format!("{}: {e}", path.display()))?)
    };
    let ours = [("relaxed", load("lockstep-relaxed.wasm")?), ("strict", load("lockstep-strict.wasm")?)];
    let peer = load("peer-tract.wasm")?;

    let mut rows = Vec::new();
    for n in LENGTHS {
        eprintln!("n = {n}");
        let mut contestants: Vec<(&'static str, String, Box<dyn Contestant>)> = Vec::new();
        for (kind, module) in &ours {
            contestants.push((
                "wasmtime",
                format!("lockstep-{kind}"),
                Box::new(OurModule::open(&engine, module, &files, n)?),
            ));
        }
        contestants.push((
            "wasmtime",
            "tract-int8".into(),
            Box::new(PeerModule::open(&engine, &peer, &int8, n)?),
        ));
        contestants.push((
            "wasmtime",
            "tract-fp32".into(),
            Box::new(PeerModule::open(&engine, &peer, &fp32, n)?),
        ));
        contestants.push(("native", "lockstep".into(), Box::new(OurNative::open(&files, n)?)));
        contestants.push(("native", "tract-int8".into(), Box::new(PeerNative(Plan::open(&int8, n)?))));
        let times = take_turns(&mut contestants)?;
        for ((place, engine, _), ms) in contestants.iter().zip(times) {
            rows.push(Row { place, engine: engine.clone(), n, ms, memory_mib: None });
        }
    }
    rows.extend(onnx_runtime(arguments)?);
    let peak = OurModule::open(&engine, &ours[0].1, &files, 128)?.peak_mib()?;
    rows.iter_mut().filter(|r| r.engine == "lockstep-relaxed").for_each(|r| r.memory_mib = Some(peak));
    print(&rows);
    println!("linear memory of the module after loading and n = 128: {peak:.1} MiB");
    write(&rows, &arguments.out)
}

/// Median milliseconds of each, timed in alternating slices; our engines must agree on the integers.
fn take_turns(contestants: &mut [(&'static str, String, Box<dyn Contestant>)]) -> Fallible<Vec<f64>> {
    let mut expected: Option<Vec<i32>> = None;
    for (place, engine, contestant) in contestants.iter_mut() {
        let integers = contestant.run()?;
        if integers.is_empty() {
            continue;
        }
        if expected.get_or_insert_with(|| integers.clone()) != &integers {
            return Err(format!("{place} {engine} gives other integers than the engine before it").into());
        }
    }
    let mut samples = vec![Vec::new(); contestants.len()];
    for _ in 0..ROUNDS {
        for ((_, _, contestant), samples) in contestants.iter_mut().zip(&mut samples) {
            let slice = Instant::now();
            while slice.elapsed() < SLICE {
                let started = Instant::now();
                let integers = contestant.run()?;
                samples.push(started.elapsed().as_secs_f64() * 1e3);
                if !integers.is_empty() && Some(&integers) != expected.as_ref() {
                    return Err("the integers changed between runs".into());
                }
            }
        }
    }
    Ok(samples.into_iter().map(median).collect())
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// `n - 2` times one word: `n` tokens with the special ones.
fn text(n: usize) -> String {
    "the ".repeat(n - 2)
}

struct OurNative {
    model: TextModel,
    text: String,
    n: usize,
}

impl OurNative {
    fn open([model, tokenizer, manifest]: &[Vec<u8>; 3], n: usize) -> Fallible<Self> {
        Ok(Self { model: TextModel::open(model.clone(), tokenizer, manifest)?, text: text(n), n })
    }
}

impl Contestant for OurNative {
    fn run(&mut self) -> Fallible<Vec<i32>> {
        let encoded = self.model.encode(&[Text::single(&self.text)])?.pop().ok_or("no answer")?;
        if encoded.tokens == self.n {
            Ok(encoded.vector)
        } else {
            Err(format!("{} tokens", encoded.tokens).into())
        }
    }
}

struct PeerNative(Plan);

impl Contestant for PeerNative {
    fn run(&mut self) -> Fallible<Vec<i32>> {
        finite(self.0.run()?)
    }
}

fn finite(sum: f32) -> Fallible<Vec<i32>> {
    if sum.is_finite() { Ok(Vec::new()) } else { Err("the peer failed".into()) }
}

fn wasm_engine() -> Fallible<Engine> {
    let mut config = Config::new();
    config.wasm_relaxed_simd(true);
    Ok(Engine::new(&config)?)
}

/// Our module in wasmtime, through the interface that the daemon uses.
struct OurModule {
    store: Store<()>,
    instance: Instance,
    memory: Memory,
    body: String,
    n: usize,
}

impl OurModule {
    fn open(engine: &Engine, module: &Module, files: &[Vec<u8>; 3], n: usize) -> Fallible<Self> {
        let mut store = Store::new(engine, ());
        let mut linker = Linker::new(engine);
        let started = Instant::now();
        linker.func_wrap("lockstep", "now_ms", move || started.elapsed().as_secs_f64() * 1e3)?;
        let instance = linker.instantiate(&mut store, module)?;
        let memory = instance.get_memory(&mut store, "memory").ok_or("no memory")?;
        let body = json!({"inputs": [text(n)]}).to_string();
        let mut this = Self { store, instance, memory, body, n };
        let mut spans = Vec::new();
        for file in files {
            spans.push(this.put(file)?);
        }
        let open = this
            .instance
            .get_typed_func::<(u32, u32, u32, u32, u32, u32), u32>(&mut this.store, "lockstep_open")?;
        let status = open.call(
            &mut this.store,
            (spans[0].0, spans[0].1, spans[1].0, spans[1].1, spans[2].0, spans[2].1),
        )?;
        if status == 0 { Ok(this) } else { Err(this.result()?.into()) }
    }

    fn put(&mut self, bytes: &[u8]) -> Fallible<(u32, u32)> {
        let alloc = self.instance.get_typed_func::<u32, u32>(&mut self.store, "lockstep_alloc")?;
        let len = u32::try_from(bytes.len())?;
        let address = alloc.call(&mut self.store, len)?;
        self.memory.write(&mut self.store, address as usize, bytes)?;
        Ok((address, len))
    }

    fn result(&mut self) -> Fallible<String> {
        let mut number = |name: &str| -> Fallible<usize> {
            let function = self.instance.get_typed_func::<(), u32>(&mut self.store, name)?;
            Ok(function.call(&mut self.store, ())? as usize)
        };
        let (address, len) = (number("lockstep_result_ptr")?, number("lockstep_result_len")?);
        let bytes = self.memory.data(&self.store).get(address..address + len).ok_or("result out of range")?;
        Ok(String::from_utf8(bytes.to_vec())?)
    }

    fn peak_mib(mut self) -> Fallible<f64> {
        self.run()?;
        // Linear memory never shrinks: its size is its peak.
        Ok(self.memory.data_size(&self.store) as f64 / f64::from(1 << 20))
    }
}

impl Contestant for OurModule {
    fn run(&mut self) -> Fallible<Vec<i32>> {
        let line = self.put(b"POST /lockstep/encode")?;
        let body = self.body.clone();
        let body = self.put(body.as_bytes())?;
        let handle =
            self.instance.get_typed_func::<(u32, u32, u32, u32), u32>(&mut self.store, "lockstep_handle")?;
        let status = handle.call(&mut self.store, (line.0, line.1, body.0, body.1))?;
        let answer: Value = serde_json::from_str(&self.result()?)?;
        if status != 200 || answer["tokens"] != json!([self.n]) {
            return Err(format!("status {status}: {answer}").into());
        }
        Ok(serde_json::from_value(answer["vectors"][0].clone())?)
    }
}

/// Stock tract in the same wasmtime.
struct PeerModule {
    store: Store<()>,
    run: wasmtime::TypedFunc<(), f32>,
}

impl PeerModule {
    fn open(engine: &Engine, module: &Module, onnx: &[u8], n: usize) -> Fallible<Self> {
        let mut store = Store::new(engine, ());
        let instance = Linker::new(engine).instantiate(&mut store, module)?;
        let memory = instance.get_memory(&mut store, "memory").ok_or("no memory")?;
        let alloc = instance.get_typed_func::<u32, u32>(&mut store, "peer_alloc")?;
        let address = alloc.call(&mut store, u32::try_from(onnx.len())?)?;
        memory.write(&mut store, address as usize, onnx)?;
        let open = instance.get_typed_func::<u32, u32>(&mut store, "peer_open")?;
        if open.call(&mut store, u32::try_from(n)?)? != 0 {
            return Err("the peer does not open its file".into());
        }
        let run = instance.get_typed_func::<(), f32>(&mut store, "peer_run")?;
        Ok(Self { store, run })
    }
}

impl Contestant for PeerModule {
    fn run(&mut self) -> Fallible<Vec<i32>> {
        finite(self.run.call(&mut self.store, ())?)
    }
}

/// Native ONNX Runtime, by its Python package.
fn onnx_runtime(arguments: &Arguments) -> Fallible<Vec<Row>> {
    eprintln!("ONNX Runtime");
    let out = arguments.out.with_file_name("onnx_runtime.json");
    std::fs::create_dir_all(out.parent().unwrap_or(Path::new(".")))?;
    let tool = lockstep_tests::places::workspace().join("tests/tools/bench_peers.py");
    let status = Command::new(&arguments.python)
        .arg(tool)
        .arg("--fp32")
        .arg(arguments.teacher.join("fp32.onnx"))
        .arg("--int8")
        .arg(arguments.teacher.join("int8.onnx"))
        .arg("--out")
        .arg(&out)
        .stdout(std::process::Stdio::null())
        .status()?;
    if !status.success() {
        return Err(format!("bench_peers.py: {status}").into());
    }
    let report: Value = serde_json::from_slice(&std::fs::read(&out)?)?;
    let rows = report["rows"].as_array().ok_or("bench_peers.py wrote no rows")?;
    rows.iter()
        .map(|row| {
            let field = |name: &str| row[name].as_f64().ok_or_else(|| format!("no {name} in {row}"));
            let engine = row["engine"].as_str().unwrap_or("ort").to_owned();
            Ok(Row { place: "native", engine, n: field("n")? as usize, ms: field("ms")?, memory_mib: None })
        })
        .collect()
}

fn print(rows: &[Row]) {
    print!("{:<10} {:<18}", "where", "engine");
    LENGTHS.iter().for_each(|n| print!(" {:>12}", format!("n={n} ms")));
    println!("   lockstep is faster by");
    let of = |place: &str, engine: &str, n: usize| {
        rows.iter().find(|r| r.place == place && r.engine == engine && r.n == n).map(|r| r.ms)
    };
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for row in rows {
        let key = (row.place, row.engine.as_str());
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        print!("{:<10} {:<18}", row.place, row.engine);
        LENGTHS.iter().for_each(|n| print!(" {:>12.2}", of(row.place, &row.engine, *n).unwrap_or(f64::NAN)));
        let own = if row.place == "wasmtime" { "lockstep-relaxed" } else { "lockstep" };
        let ratios =
            LENGTHS.iter().filter_map(|n| Some(of(row.place, &row.engine, *n)? / of(row.place, own, *n)?));
        let ratios: Vec<String> = ratios.map(|r| format!("{r:.2}")).collect();
        println!("   {}", if row.engine == own { "-".into() } else { ratios.join("  ") });
    }
}

fn write(rows: &[Row], out: &Path) -> Fallible<()> {
    let rows: Vec<Value> = rows
        .iter()
        .map(|r| {
            json!({"where": r.place, "engine": r.engine, "batch": 1, "n": r.n, "ms": r.ms, "linear_memory_mib": r.memory_mib})
        })
        .collect();
    std::fs::create_dir_all(out.parent().unwrap_or(Path::new(".")))?;
    std::fs::write(out, serde_json::to_vec_pretty(&json!({ "rows": rows }))?)?;
    println!("wrote {}", out.display());
    Ok(())
}
