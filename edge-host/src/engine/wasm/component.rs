//! Makes a Spin component with a model open in it from a component without a model.
//!
//! The component's export `open-model` takes the files of a model folder, in pieces. The memory
//! that its modules then have becomes the data of the new component, whose export refuses to open
//! another model. The opening calls no import but the seed of hash maps. That seed is always the
//! same, so the same files give the same component. The opening does not run the model: each
//! instance chooses its kernel on the machine it runs on.

use std::path::Path;

use tokio::runtime::Builder;
use wasmtime::{
    Config, Engine, OptLevel, Store,
    component::{Component, Func, Instance, Lift, Linker, WasmList},
};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

use crate::{
    error::HostError,
    files::{self, ModelFiles},
};

/// The name of the export.
const OPEN: &str = "open-model";
/// Bytes of a piece. A component needs no more memory than this beside the model itself.
const PIECE: usize = 64 << 10;
/// The import that seeds the hash maps of a component.
const SEED: &str = "wasi:random/insecure-seed@";

/// Arguments of the export: the lengths of model, tokenizer and manifest, and the next piece of
/// these three files.
type Piece<'a> = ((u32, u32, u32), &'a [u8]);
/// Results of the export: whether the model is open now.
type Opened = (Result<bool, String>,);

/// Opens a model folder in the component at `path`, and gives the new component.
///
/// # Errors
///
/// Files that cannot be read, a file that is no component or has no `open-model`, or a model that
/// does not open.
pub fn open_component(path: &Path, model: &Path) -> Result<Vec<u8>, HostError> {
    let files = ModelFiles::read(model)?;
    let wasm = files::read(path)?;
    let runtime = Builder::new_current_thread().build().map_err(HostError::Thread)?;
    runtime.block_on(open(&wasm, &files)).map_err(|error| match error.downcast::<Refused>() {
        Ok(Refused(message)) => HostError::Open(message),
        Err(error) => HostError::Component { path: path.to_owned(), detail: format!("{error:#}") },
    })
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refused(String);

async fn open(wasm: &[u8], files: &ModelFiles) -> wasmtime::Result<Vec<u8>> {
    let wizer = Wizer::new();
    let (context, instrumented) = wizer.instrument_component(wasm)?;

    // The opening runs once, so this engine compiles fast instead of making fast code.
    let mut config = Config::new();
    config.wasm_component_model_async(true).wasm_relaxed_simd(true).cranelift_opt_level(OptLevel::None);
    let engine = Engine::new(&config)?;
    let component = Component::from_binary(&engine, &instrumented)?;
    let mut linker = Linker::<()>::new(&engine);
    for (name, _) in component.component_type().imports(&engine) {
        if name.starts_with(SEED) {
            linker.instance(name)?.func_wrap("insecure-seed", |_, ()| Ok(((0_u64, 0_u64),)))?;
        }
    }
    linker.define_unknown_imports_as_traps(&component)?;

    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate_async(&mut store, &component).await?;
    let open = instance.get_typed_func::<Piece<'_>, Opened>(&mut store, OPEN);
    let open = open.map_err(|error| error.context(format!("its export {OPEN}")))?;
    let length = |file: &[u8]| u32::try_from(file.len()).map_err(|_| Refused("a file of 4 GiB".into()));
    let lengths = (length(&files.model)?, length(&files.tokenizer)?, length(&files.manifest)?);
    let mut is_open = false;
    for file in [&files.model, &files.tokenizer, &files.manifest] {
        for piece in file.chunks(PIECE) {
            let (opened,) = open.call_async(&mut store, (lengths, piece)).await?;
            is_open = opened.map_err(Refused)?;
        }
    }
    if !is_open {
        return Err(Refused("the component waits for more than the files of the folder".into()).into());
    }
    wizer.snapshot_component(&context, &mut State { store, instance }).await
}

struct State {
    store: Store<()>,
    instance: Instance,
}

impl State {
    /// Calls an export that the instrumentation added, and passes its result to `take`.
    async fn call<R: Lift + Send + Sync + 'static, T>(
        &mut self,
        instance: &str,
        name: &str,
        take: impl FnOnce(&Store<()>, R) -> T,
    ) -> T {
        let result = async {
            let index = self.instance.get_export_index(&mut self.store, None, instance)?;
            let index = self.instance.get_export_index(&mut self.store, Some(&index), name)?;
            let function: Func = self.instance.get_func(&mut self.store, index)?;
            let function = function.typed::<(), (R,)>(&self.store).ok()?;
            function.call_async(&mut self.store, ()).await.ok()
        };
        match result.await {
            Some((result,)) => take(&self.store, result),
            None => unreachable!("the instrumented component exports {name} of {instance}"),
        }
    }
}

impl ComponentInstanceState for State {
    async fn call_func_ret_list_u8(
        &mut self,
        instance: &str,
        name: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) {
        self.call(instance, name, |store, list: WasmList<u8>| contents(list.as_le_slice(store))).await;
    }

    async fn call_func_ret_s32(&mut self, instance: &str, name: &str) -> i32 {
        self.call(instance, name, |_, value| value).await
    }

    async fn call_func_ret_s64(&mut self, instance: &str, name: &str) -> i64 {
        self.call(instance, name, |_, value| value).await
    }

    async fn call_func_ret_f32(&mut self, instance: &str, name: &str) -> u32 {
        self.call(instance, name, |_, value: f32| value.to_bits()).await
    }

    async fn call_func_ret_f64(&mut self, instance: &str, name: &str) -> u64 {
        self.call(instance, name, |_, value: f64| value.to_bits()).await
    }
}
