//! One instance of the module, and the interface it speaks.
//!
//! The module exports `memory` and
//!
//! | function | meaning |
//! |---|---|
//! | `lockstep_alloc(len) -> ptr` | a buffer of the module's memory, 0 where there is none |
//! | `lockstep_free(ptr, len)` | gives a buffer back; not needed here, since the module takes over every buffer passed to it |
//! | `lockstep_open(model, len, tokenizer, len, manifest, len) -> i32` | 0, or the result is an error message |
//! | `lockstep_handle(method_path, len, body, len) -> i32` | an HTTP status; the result is the body of the answer |
//! | `lockstep_result_ptr() -> ptr`, `lockstep_result_len() -> len` | the result of the last call |
//! | `lockstep_result_tokens() -> i32` | optional: tokens the last request took |
//!
//! and may import `lockstep.now_ms() -> f64`, a monotonic clock in milliseconds, which traps where the call has to end.
//! An empty buffer is passed as pointer 0, length 0.
//! Pointers and lengths are unsigned 32-bit numbers.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use wasmtime::{
    Engine, Linker, Memory, Module, Store, StoreLimits, StoreLimitsBuilder, TypedFunc, UpdateDeadline,
};

use crate::{files::ModelFiles, module::Prepared};

/// Why a call gave no result. The instance is not to be used again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InstanceError {
    /// The call was still running at its deadline.
    #[error("the call was interrupted at the deadline")]
    Deadline,
    /// The daemon is shutting down.
    #[error("the call was interrupted because the daemon is shutting down")]
    Stopped,
    /// The module trapped.
    #[error("the module trapped: {0}")]
    Trap(String),
    /// The module does not keep to the interface.
    #[error("the module breaks its interface: {0}")]
    Interface(String),
    /// The module has no memory for what it is to be given.
    #[error("the module has no memory for {0} bytes")]
    Memory(usize),
    /// The native engine panicked.
    #[error("the engine panicked: {0}")]
    Panic(String),
    /// The module refuses the model.
    #[error("{0}")]
    Refused(String),
}

/// What the module answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// From 200 to 599.
    pub status: u16,
    /// JSON.
    pub body: Vec<u8>,
    /// Tokens it took, where the module counts them.
    pub tokens: Option<u32>,
}

/// What the module's calls see of the host.
pub(crate) struct Host {
    limits: StoreLimits,
    started: Instant,
    deadline: Instant,
    stop: Arc<AtomicBool>,
}

/// Why a call is ended.
#[derive(Debug, thiserror::Error)]
enum Interrupt {
    #[error("deadline")]
    Deadline,
    #[error("stopped")]
    Stopped,
}

impl Host {
    /// Whether the call may go on.
    fn go_on(&self) -> Result<(), Interrupt> {
        if self.stop.load(Ordering::Relaxed) {
            Err(Interrupt::Stopped)
        } else if Instant::now() >= self.deadline {
            Err(Interrupt::Deadline)
        } else {
            Ok(())
        }
    }
}

/// An instance with its model open.
pub struct Instance {
    store: Store<Host>,
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    handle: TypedFunc<(u32, u32, u32, u32), i32>,
    result_ptr: TypedFunc<(), u32>,
    result_len: TypedFunc<(), u32>,
    tokens: Option<TypedFunc<(), u32>>,
}

/// Six buffers' addresses and lengths, to a code.
type Open = TypedFunc<(u32, u32, u32, u32, u32, u32), i32>;

/// An instance in which nothing has been called.
fn instantiate(
    engine: &Engine,
    module: &Module,
    max_memory_bytes: usize,
    deadline: Instant,
    stop: Arc<AtomicBool>,
) -> Result<(Store<Host>, wasmtime::Instance), InstanceError> {
    let host = Host {
        limits: StoreLimitsBuilder::new().memory_size(max_memory_bytes).build(),
        started: Instant::now(),
        deadline,
        stop,
    };
    let mut store = Store::new(engine, host);
    store.limiter(|host| &mut host.limits);
    store.epoch_deadline_callback(|context| {
        context.data().go_on()?;
        Ok(UpdateDeadline::Continue(1))
    });
    store.set_epoch_deadline(1);

    let mut linker: Linker<Host> = Linker::new(engine);
    linker
        .func_wrap("lockstep", "now_ms", |caller: wasmtime::Caller<'_, Host>| {
            let host = caller.data();
            host.go_on()?;
            Ok(host.started.elapsed().as_secs_f64() * 1000.0)
        })
        .map_err(interface)?;
    let instance = linker
        .instantiate(&mut store, module)
        .map_err(|error| ended(&error).unwrap_or_else(|| interface(error)))?;
    Ok((store, instance))
}

/// An instance that opens the model by `deadline`, with nothing called since.
pub(crate) fn opened(
    engine: &Engine,
    module: &Module,
    files: &ModelFiles,
    max_memory_bytes: usize,
    deadline: Instant,
    stop: Arc<AtomicBool>,
) -> Result<(Store<Host>, wasmtime::Instance), InstanceError> {
    let (store, instance) = instantiate(engine, module, max_memory_bytes, deadline, stop)?;
    let opened = Instance::new(store, instance, Some(files))?;
    Ok((opened.store, instance))
}

impl Instance {
    /// Builds an instance that can answer, by `deadline`. Setting `stop` ends any call of the instance, this one
    /// included, where it can be ended.
    pub(crate) fn open(
        engine: &Engine,
        prepared: &Prepared,
        max_memory_bytes: usize,
        deadline: Instant,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, InstanceError> {
        let (store, instance) = instantiate(engine, &prepared.module, max_memory_bytes, deadline, stop)?;
        Self::new(store, instance, prepared.unopened.as_ref())
    }

    /// Has it open the model, unless it was born with one.
    fn new(
        mut store: Store<Host>,
        instance: wasmtime::Instance,
        unopened: Option<&ModelFiles>,
    ) -> Result<Self, InstanceError> {
        let memory = instance
            .get_memory(&mut store, "memory")
            .ok_or_else(|| InstanceError::Interface("it exports no `memory`".into()))?;
        let open: Option<(Open, &ModelFiles)> = match unopened {
            Some(files) => {
                Some((instance.get_typed_func(&mut store, "lockstep_open").map_err(interface)?, files))
            }
            None => None,
        };
        let find = |store: &mut Store<Host>, name| instance.get_typed_func(store, name).map_err(interface);
        let mut new = Self {
            memory,
            alloc: instance.get_typed_func(&mut store, "lockstep_alloc").map_err(interface)?,
            handle: instance.get_typed_func(&mut store, "lockstep_handle").map_err(interface)?,
            result_ptr: find(&mut store, "lockstep_result_ptr")?,
            result_len: find(&mut store, "lockstep_result_len")?,
            tokens: instance.get_typed_func(&mut store, "lockstep_result_tokens").ok(),
            store,
        };
        if let Some((open, files)) = open {
            new.open_model(&open, files)?;
        }
        Ok(new)
    }

    fn open_model(&mut self, open: &Open, files: &ModelFiles) -> Result<(), InstanceError> {
        let (model, model_len) = self.give(&files.model)?;
        let (tokenizer, tokenizer_len) = self.give(&files.tokenizer)?;
        let (manifest, manifest_len) = self.give(&files.manifest)?;
        let buffers = (model, model_len, tokenizer, tokenizer_len, manifest, manifest_len);
        match open.call(&mut self.store, buffers).map_err(trap)? {
            0 => Ok(()),
            code => {
                let message = self.result()?;
                let message = String::from_utf8_lossy(&message);
                Err(InstanceError::Refused(format!("{message} (code {code})")))
            }
        }
    }

    /// Bytes of its linear memory, which never shrinks.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.memory.data_size(&self.store)
    }

    /// Has the module answer one request, such as `POST /embed` and its body, by `deadline`.
    ///
    /// # Errors
    ///
    /// Any leaves the instance in a state that nothing is known of: it is to be dropped.
    pub fn handle(
        &mut self,
        method_path: &str,
        body: &[u8],
        deadline: Instant,
    ) -> Result<Answer, InstanceError> {
        self.store.data_mut().deadline = deadline;
        self.store.set_epoch_deadline(1);
        let (method_path, method_path_len) = self.give(method_path.as_bytes())?;
        let (body, body_len) = self.give(body)?;
        let buffers = (method_path, method_path_len, body, body_len);
        let status = self.handle.call(&mut self.store, buffers).map_err(trap)?;
        let status = u16::try_from(status)
            .ok()
            .filter(|status| (200..600).contains(status))
            .ok_or_else(|| InstanceError::Interface(format!("{status} is no HTTP status")))?;
        let body = self.result()?;
        let tokens = match &self.tokens {
            Some(tokens) => Some(tokens.call(&mut self.store, ()).map_err(trap)?),
            None => None,
        };
        Ok(Answer { status, body, tokens })
    }

    /// Copies bytes into a buffer of the module's.
    fn give(&mut self, bytes: &[u8]) -> Result<(u32, u32), InstanceError> {
        if bytes.is_empty() {
            return Ok((0, 0));
        }
        let too_much = || InstanceError::Memory(bytes.len());
        let len = u32::try_from(bytes.len()).map_err(|_| too_much())?;
        let ptr = self.alloc.call(&mut self.store, len).map_err(trap)?;
        if ptr == 0 {
            return Err(too_much());
        }
        self.memory
            .write(&mut self.store, ptr as usize, bytes)
            .map_err(|_| self.outside("a buffer", ptr, len))?;
        Ok((ptr, len))
    }

    /// The result of the last call.
    fn result(&mut self) -> Result<Vec<u8>, InstanceError> {
        let ptr = self.result_ptr.call(&mut self.store, ()).map_err(trap)?;
        let len = self.result_len.call(&mut self.store, ()).map_err(trap)?;
        let (start, length) = (ptr as usize, len as usize);
        self.memory
            .data(&self.store)
            .get(start..start.saturating_add(length))
            .map(<[u8]>::to_vec)
            .ok_or_else(|| self.outside("its result", ptr, len))
    }

    fn outside(&self, what: &str, ptr: u32, len: u32) -> InstanceError {
        let size = self.memory.data_size(&self.store);
        let text = format!("{what} of {len} bytes at {ptr:#x} is outside its memory of {size} bytes");
        InstanceError::Interface(text)
    }
}

fn ended(error: &wasmtime::Error) -> Option<InstanceError> {
    error.downcast_ref::<Interrupt>().map(|interrupt| match interrupt {
        Interrupt::Deadline => InstanceError::Deadline,
        Interrupt::Stopped => InstanceError::Stopped,
    })
}

fn trap(error: wasmtime::Error) -> InstanceError {
    // The root cause alone: what stands around it is a list of addresses.
    ended(&error).unwrap_or_else(|| InstanceError::Trap(error.root_cause().to_string()))
}

pub(crate) fn interface(error: wasmtime::Error) -> InstanceError {
    InstanceError::Interface(format!("{error:#}"))
}
