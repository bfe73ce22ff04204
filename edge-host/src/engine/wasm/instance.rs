//! One instance of the module, and the interface between the module and the daemon.
//!
//! The module exports `memory` and these functions:
//!
//! - `lockstep_alloc(len) -> ptr`: allocates a buffer in the module's memory; 0 if there is none
//!   left.
//! - `lockstep_free(ptr, len)`: frees a buffer. The daemon passes every buffer on and never calls
//!   it.
//! - `lockstep_open(model, len, tokenizer, len, manifest, len) -> i32`: opens a model; gives 0. Any
//!   other number means that the result is an error message.
//! - `lockstep_handle(method, len, path, len, body, len) -> i32`: answers a request; gives the HTTP
//!   status. The result is the body of the answer.
//! - `lockstep_result_ptr() -> ptr` and `lockstep_result_len() -> len`: the result of the last
//!   call.
//! - `lockstep_result_tokens() -> i32`: the tokens that the last request took. Optional.
//!
//! The module may import `lockstep.now_ms() -> f64`, a monotonic clock in milliseconds. The import
//! traps if the call must end. `lockstep_open` and `lockstep_handle` take their buffers over. An
//! empty buffer is passed as pointer 0, length 0. Pointers and lengths are unsigned 32-bit numbers.

use std::time::Instant;

use wasmtime::{Memory, Module, Store, TypedFunc};

use super::sandbox::{Host, Sandbox, interface, trap};
use crate::{
    engine::interface::{Answer, Engine, EngineError},
    files::ModelFiles,
};

/// Bytes of a message from a module that refuses a model.
const MESSAGE: usize = 64 << 10;

/// Takes the addresses and lengths of three buffers.
type ThreeBuffers = TypedFunc<(u32, u32, u32, u32, u32, u32), i32>;

/// An instance with its model open.
pub struct Instance {
    store: Store<Host>,
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    handle: ThreeBuffers,
    result_ptr: TypedFunc<(), u32>,
    result_len: TypedFunc<(), u32>,
    tokens: Option<TypedFunc<(), u32>>,
    max_result_bytes: usize,
}

impl Instance {
    /// Makes an instance that is ready to answer by `deadline`. The instance opens the model in
    /// `unopened`; without one, the module's memory holds an open model already.
    pub(crate) fn open(
        sandbox: &Sandbox,
        module: &Module,
        unopened: Option<&ModelFiles>,
        deadline: Instant,
    ) -> Result<Self, EngineError> {
        let (store, instance) = sandbox.instantiate(module, deadline)?;
        Self::new(sandbox, store, instance, unopened)
    }

    /// Makes an instance, lets it open the model, and gives its parts for a snapshot.
    pub(crate) fn open_for_snapshot(
        sandbox: &Sandbox,
        module: &Module,
        files: &ModelFiles,
        deadline: Instant,
    ) -> Result<(Store<Host>, wasmtime::Instance), EngineError> {
        let (store, instance) = sandbox.instantiate(module, deadline)?;
        let opened = Self::new(sandbox, store, instance, Some(files))?;
        Ok((opened.store, instance))
    }

    fn new(
        sandbox: &Sandbox,
        mut store: Store<Host>,
        instance: wasmtime::Instance,
        unopened: Option<&ModelFiles>,
    ) -> Result<Self, EngineError> {
        let memory = instance
            .get_memory(&mut store, "memory")
            .ok_or_else(|| EngineError::Interface("it exports no `memory`".into()))?;
        let open: Option<(ThreeBuffers, &ModelFiles)> = match unopened {
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
            max_result_bytes: sandbox.max_result_bytes,
            store,
        };
        if let Some((open, files)) = open {
            new.open_model(&open, files)?;
        }
        Ok(new)
    }

    fn open_model(&mut self, open: &ThreeBuffers, files: &ModelFiles) -> Result<(), EngineError> {
        match self.call(open, [&files.model, &files.tokenizer, &files.manifest])? {
            0 => Ok(()),
            code => {
                let message = self.result(MESSAGE)?;
                let message = String::from_utf8_lossy(&message);
                Err(EngineError::Refused(format!("{message} (code {code})")))
            }
        }
    }

    /// Bytes of the instance's linear memory, which never shrinks.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.memory.data_size(&self.store)
    }

    /// Lets the module answer one request by `deadline`.
    ///
    /// # Errors
    ///
    /// See [`EngineError`]. After any error the instance's memory is undefined; drop the instance.
    pub fn handle(
        &mut self,
        method: &str,
        path: &str,
        body: &[u8],
        deadline: Instant,
    ) -> Result<Answer, EngineError> {
        self.store.data_mut().deadline = deadline;
        self.store.set_epoch_deadline(1);
        let handle = self.handle.clone();
        let status = self.call(&handle, [method.as_bytes(), path.as_bytes(), body])?;
        let status = u16::try_from(status)
            .ok()
            .filter(|status| (200..600).contains(status))
            .ok_or_else(|| EngineError::Interface(format!("{status} is no HTTP status")))?;
        let body = self.result(self.max_result_bytes)?;
        let tokens = match &self.tokens {
            Some(tokens) => Some(tokens.call(&mut self.store, ()).map_err(trap)?),
            None => None,
        };
        Ok(Answer { status, body, tokens })
    }

    /// Copies three buffers into the module's memory and calls a function with them.
    fn call(&mut self, function: &ThreeBuffers, buffers: [&[u8]; 3]) -> Result<i32, EngineError> {
        let mut copied = [(0, 0); 3];
        for (copied, buffer) in copied.iter_mut().zip(buffers) {
            *copied = self.copy(buffer)?;
        }
        let [a, b, c] = copied;
        function.call(&mut self.store, (a.0, a.1, b.0, b.1, c.0, c.1)).map_err(trap)
    }

    /// Copies bytes into a new buffer of the module; gives its address and length.
    fn copy(&mut self, bytes: &[u8]) -> Result<(u32, u32), EngineError> {
        if bytes.is_empty() {
            return Ok((0, 0));
        }
        let too_much = || EngineError::Memory(bytes.len());
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

    /// The result of the last call, which has at most `limit` bytes.
    fn result(&mut self, limit: usize) -> Result<Vec<u8>, EngineError> {
        let ptr = self.result_ptr.call(&mut self.store, ()).map_err(trap)?;
        let len = self.result_len.call(&mut self.store, ()).map_err(trap)?;
        let (start, length) = (ptr as usize, len as usize);
        if length > limit {
            let text = format!("its result has {length} bytes; the limit is {limit}");
            return Err(EngineError::Interface(text));
        }
        self.memory
            .data(&self.store)
            .get(start..start.saturating_add(length))
            .map(<[u8]>::to_vec)
            .ok_or_else(|| self.outside("its result", ptr, len))
    }

    fn outside(&self, buffer: &str, ptr: u32, len: u32) -> EngineError {
        let size = self.memory.data_size(&self.store);
        let text = format!("{buffer} of {len} bytes at {ptr:#x} is outside its memory of {size} bytes");
        EngineError::Interface(text)
    }
}

impl Engine for Instance {
    fn handle(
        &mut self,
        method: &str,
        path: &str,
        body: &[u8],
        deadline: Instant,
    ) -> Result<Answer, EngineError> {
        self.handle(method, path, body, deadline)
    }
}
