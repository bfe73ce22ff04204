//! Engines that run in wasmtime.

use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use wasmtime::{Config, Engine, Instance, Linker, Memory, Module, Store, TypedFunc};

use crate::{
    cases::Case,
    contestant::{Contestant, Turn, Vectors, timed},
    error::Fallible,
};

/// The engine of wasmtime for all modules. With `epochs`, each loop and each function that it
/// compiles looks whether its time is over, as in Spin.
pub(crate) fn engine(epochs: bool) -> Fallible<Engine> {
    let mut config = Config::new();
    config.wasm_relaxed_simd(true).epoch_interruption(epochs);
    Ok(Engine::new(&config)?)
}

/// A store whose time is never over.
fn store(engine: &Engine) -> Store<()> {
    let mut store = Store::new(engine, ());
    store.set_epoch_deadline(u64::MAX / 2);
    store
}

/// Compiles a module.
pub(crate) fn load(engine: &Engine, path: &Path) -> Fallible<Module> {
    Module::from_file(engine, path).map_err(|error| format!("{}: {error:#}", path.display()).into())
}

/// The addresses and lengths of three buffers.
type Buffers = (u32, u32, u32, u32, u32, u32);

/// The module of Lockstep, called as the daemon calls it: JSON in, JSON out.
pub(crate) struct Ours {
    store: Store<()>,
    instance: Instance,
    memory: Memory,
}

impl Ours {
    pub(crate) fn open(engine: &Engine, module: &Module, files: &[Vec<u8>; 3]) -> Fallible<Self> {
        let mut store = store(engine);
        let mut linker = Linker::new(engine);
        let started = Instant::now();
        linker.func_wrap("lockstep", "now_ms", move || started.elapsed().as_secs_f64() * 1e3)?;
        let instance = linker.instantiate(&mut store, module)?;
        let memory = instance.get_memory(&mut store, "memory").ok_or("no memory")?;
        let mut this = Self { store, instance, memory };
        let [model, tokenizer, manifest] = [this.put(&files[0])?, this.put(&files[1])?, this.put(&files[2])?];
        let open = this.instance.get_typed_func::<Buffers, u32>(&mut this.store, "lockstep_open")?;
        let buffers = (model.0, model.1, tokenizer.0, tokenizer.1, manifest.0, manifest.1);
        match open.call(&mut this.store, buffers)? {
            0 => Ok(this),
            _ => Err(this.result()?.into()),
        }
    }

    /// The peak of linear memory, which is its size: it never shrinks.
    pub(crate) fn memory_mib(&self) -> f64 {
        self.memory.data_size(&self.store) as f64 / f64::from(1 << 20)
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

    fn encode(&mut self, body: &str, n: usize) -> Fallible<Vectors> {
        let (method, path) = (self.put(b"POST")?, self.put(b"/lockstep/encode")?);
        let body = self.put(body.as_bytes())?;
        let buffers = (method.0, method.1, path.0, path.1, body.0, body.1);
        let handle = self.instance.get_typed_func::<Buffers, u32>(&mut self.store, "lockstep_handle")?;
        let status = handle.call(&mut self.store, buffers)?;
        let mut answer: Value = serde_json::from_str(&self.result()?)?;
        if status != 200 || answer["tokens"][0] != json!(n) {
            return Err(format!("status {status}: {answer}").into());
        }
        Ok(Vectors::Integers(serde_json::from_value(answer["vectors"].take())?))
    }
}

impl Contestant for Ours {
    fn turn(&mut self, _: usize, case: &Case, slice: Duration) -> Fallible<Turn> {
        let body = json!({ "inputs": case.texts }).to_string();
        timed(slice, || self.encode(&body, case.n))
    }
}

/// Stock tract, with one instance for each case.
pub(crate) struct Tract {
    engine: Engine,
    module: Module,
    onnx: Vec<u8>,
    hidden: usize,
    instances: HashMap<usize, Planned>,
}

/// An instance with a plan, and with token ids in its memory.
struct Planned {
    store: Store<()>,
    memory: Memory,
    run: TypedFunc<(), u32>,
    output: u32,
}

impl Tract {
    pub(crate) fn new(engine: &Engine, module: &Module, onnx: Vec<u8>, hidden: usize) -> Self {
        Self { engine: engine.clone(), module: module.clone(), onnx, hidden, instances: HashMap::new() }
    }

    fn plan(&self, case: &Case) -> Fallible<Planned> {
        let mut store = Store::new(&self.engine, ());
        let instance = Linker::new(&self.engine).instantiate(&mut store, &self.module)?;
        let memory = instance.get_memory(&mut store, "memory").ok_or("no memory")?;
        let room = instance.get_typed_func::<u32, u32>(&mut store, "peer_alloc")?;
        let address = room.call(&mut store, u32::try_from(self.onnx.len())?)?;
        memory.write(&mut store, address as usize, &self.onnx)?;
        let open = instance.get_typed_func::<(u32, u32), u32>(&mut store, "peer_open")?;
        let ids = open.call(&mut store, (u32::try_from(case.batch)?, u32::try_from(case.n)?))?;
        if ids == 0 {
            return Err("the peer does not open its file".into());
        }
        let bytes: Vec<u8> = case.ids.concat().iter().flat_map(|id| id.to_le_bytes()).collect();
        memory.write(&mut store, ids as usize, &bytes)?;
        let run = instance.get_typed_func::<(), u32>(&mut store, "peer_run")?;
        let output = run.call(&mut store, ())?;
        Ok(Planned { store, memory, run, output })
    }
}

impl Contestant for Tract {
    fn turn(&mut self, index: usize, case: &Case, slice: Duration) -> Fallible<Turn> {
        if !self.instances.contains_key(&index) {
            let planned = self.plan(case)?;
            self.instances.insert(index, planned);
        }
        let Some(planned) = self.instances.get_mut(&index) else { return Err("no plan".into()) };
        let mut turn = timed(slice, || {
            planned.output = planned.run.call(&mut planned.store, ())?;
            if planned.output == 0 { Err("the peer failed".into()) } else { Ok(Vectors::Floats(Vec::new())) }
        })?;
        let hidden = self.hidden;
        let mut bytes = vec![0; case.batch * hidden * 4];
        planned.memory.read(&planned.store, planned.output as usize, &mut bytes)?;
        let numbers: Vec<f32> =
            bytes.as_chunks().0.iter().map(|number| f32::from_le_bytes(*number)).collect();
        turn.vectors = Vectors::Floats(numbers.chunks_exact(hidden).map(<[f32]>::to_vec).collect());
        Ok(turn)
    }
}
