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
//! - `lockstep_encode(batch, len) -> i32`: encodes sequences of token ids, written as
//!   `lockstep_module::batch` describes; gives 0. The result has the vectors, one behind the other,
//!   as little-endian `i32`. Any other number means that the result is an error message.
//! - `lockstep_kernel() -> i32`: gives 0. The result is the name of the kernel that computes.
//! - `lockstep_result_ptr() -> ptr` and `lockstep_result_len() -> len`: the result of the last
//!   call.
//!
//! The module may import `lockstep.now_ms() -> f64`, a monotonic clock in milliseconds. The import
//! traps if the call must end. `lockstep_open` and `lockstep_encode` take their buffers over. An
//! empty buffer is passed as pointer 0, length 0. Pointers and lengths are unsigned 32-bit numbers.

use std::time::{Duration, Instant};

use lockstep_module::{Sequence, batch};
use wasmtime::{Memory, Module, Store, TypedFunc};

use super::sandbox::{Host, Sandbox, interface, trap};
use crate::{
    engine::interface::{Engine, EngineError},
    files::ModelFiles,
};

/// Bytes of the longest message of a module.
const MESSAGE: usize = 64 << 10;
/// How long a module may take to name its kernel.
const KERNEL: Duration = Duration::from_secs(10);

/// Takes the addresses and lengths of three buffers.
type ThreeBuffers = TypedFunc<(u32, u32, u32, u32, u32, u32), i32>;

/// An instance with its model open.
pub struct Instance {
    store: Store<Host>,
    memory: Memory,
    alloc: TypedFunc<u32, u32>,
    encode: TypedFunc<(u32, u32), i32>,
    kernel: TypedFunc<(), i32>,
    result_ptr: TypedFunc<(), u32>,
    result_len: TypedFunc<(), u32>,
    /// Integers of one vector.
    outputs: usize,
}

impl Instance {
    /// Makes an instance that is ready to answer by `deadline`. The instance opens the model in
    /// `unopened`; without one, the module's memory holds an open model already.
    pub(crate) fn open(
        sandbox: &Sandbox,
        module: &Module,
        unopened: Option<&ModelFiles>,
        outputs: usize,
        deadline: Instant,
    ) -> Result<Self, EngineError> {
        let (store, instance) = sandbox.instantiate(module, deadline)?;
        Self::new(store, instance, unopened, outputs)
    }

    /// Makes an instance, lets it open the model, and gives its parts for a snapshot.
    pub(crate) fn open_for_snapshot(
        sandbox: &Sandbox,
        module: &Module,
        files: &ModelFiles,
        deadline: Instant,
    ) -> Result<(Store<Host>, wasmtime::Instance), EngineError> {
        let (store, instance) = sandbox.instantiate(module, deadline)?;
        let opened = Self::new(store, instance, Some(files), 0)?;
        Ok((opened.store, instance))
    }

    fn new(
        mut store: Store<Host>,
        instance: wasmtime::Instance,
        unopened: Option<&ModelFiles>,
        outputs: usize,
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
            encode: instance.get_typed_func(&mut store, "lockstep_encode").map_err(interface)?,
            kernel: instance.get_typed_func(&mut store, "lockstep_kernel").map_err(interface)?,
            result_ptr: find(&mut store, "lockstep_result_ptr")?,
            result_len: find(&mut store, "lockstep_result_len")?,
            outputs,
            store,
        };
        if let Some((open, files)) = open {
            new.open_model(&open, files)?;
        }
        Ok(new)
    }

    fn open_model(&mut self, open: &ThreeBuffers, files: &ModelFiles) -> Result<(), EngineError> {
        let [model, tokenizer, manifest] =
            [self.copy(&files.model)?, self.copy(&files.tokenizer)?, self.copy(&files.manifest)?];
        let buffers = (model.0, model.1, tokenizer.0, tokenizer.1, manifest.0, manifest.1);
        let code = open.call(&mut self.store, buffers).map_err(trap)?;
        self.succeeded(code)
    }

    /// The error of a call that gave another number than 0.
    fn succeeded(&mut self, code: i32) -> Result<(), EngineError> {
        if code == 0 {
            return Ok(());
        }
        let message = self.result(MESSAGE)?;
        Err(EngineError::Refused(format!("{} (code {code})", String::from_utf8_lossy(&message))))
    }

    /// Bytes of the instance's linear memory, which never shrinks.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.memory.data_size(&self.store)
    }

    /// Lets the module encode a batch by `deadline`; gives a vector for each sequence, in order.
    ///
    /// # Errors
    ///
    /// See [`EngineError`]. After any error the instance's memory is undefined; drop the instance.
    pub fn encode(
        &mut self,
        batch: &[Sequence<'_>],
        deadline: Instant,
    ) -> Result<Vec<Vec<i32>>, EngineError> {
        self.until(deadline);
        let (ptr, len) = self.copy(&batch::write(batch))?;
        let code = self.encode.call(&mut self.store, (ptr, len)).map_err(trap)?;
        self.succeeded(code)?;
        let expected = 4 * self.outputs * batch.len();
        let result = self.result(expected)?;
        if result.len() < expected {
            return Err(EngineError::Interface(format!(
                "its result has {} bytes, {} vectors have {expected}",
                result.len(),
                batch.len()
            )));
        }
        let (numbers, _) = result.as_chunks::<4>();
        let vectors = numbers.chunks_exact(self.outputs.max(1));
        Ok(vectors.map(|vector| vector.iter().map(|n| i32::from_le_bytes(*n)).collect()).collect())
    }

    /// The name of the module's kernel, asked for by `deadline`.
    ///
    /// # Errors
    ///
    /// As [`Self::encode`].
    pub fn kernel(&mut self, deadline: Instant) -> Result<String, EngineError> {
        self.until(deadline);
        let code = self.kernel.call(&mut self.store, ()).map_err(trap)?;
        self.succeeded(code)?;
        Ok(String::from_utf8_lossy(&self.result(MESSAGE)?).into_owned())
    }

    /// Lets the next call run until a deadline.
    fn until(&mut self, deadline: Instant) {
        self.store.data_mut().deadline = deadline;
        self.store.set_epoch_deadline(1);
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

    /// The result of the last call, of at most `most` bytes. The module is not trusted: it cannot
    /// make the daemon copy more.
    fn result(&mut self, most: usize) -> Result<Vec<u8>, EngineError> {
        let ptr = self.result_ptr.call(&mut self.store, ()).map_err(trap)?;
        let len = self.result_len.call(&mut self.store, ()).map_err(trap)?;
        let (start, length) = (ptr as usize, len as usize);
        if length > most {
            return Err(EngineError::Interface(format!("its result has {len} bytes, the limit is {most}")));
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
    fn kernel(&mut self) -> Result<String, EngineError> {
        self.kernel(Instant::now() + KERNEL)
    }

    fn encode(&mut self, batch: &[Sequence<'_>], deadline: Instant) -> Result<Vec<Vec<i32>>, EngineError> {
        self.encode(batch, deadline)
    }
}
