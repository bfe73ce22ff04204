//! The exports of the plain WebAssembly module.
//!
//! | export | what |
//! |---|---|
//! | `lockstep_alloc(len) -> ptr` | a buffer for the caller to fill, at a multiple of 64; 0 where there is no memory |
//! | `lockstep_free(ptr, len)` | gives a buffer back that was not passed on |
//! | `lockstep_open(model, len, tokenizer, len, manifest, len) -> status` | opens a model; takes the three buffers; 0, or 1 with a message as the result |
//! | `lockstep_handle(method, len, path, len, body, len) -> status` | answers a request; takes the three buffers; the HTTP status, with the JSON as the result |
//! | `lockstep_encode(batch, len) -> status` | encodes sequences of token ids; takes the buffer; 0 with the integers as the result, or 1 with a message |
//! | `lockstep_kernel() -> status` | 0 with the name of the kernel as the result, or 1 where no model is open |
//! | `lockstep_result_tokens()` | tokens that the last request took |
//! | `lockstep_result_ptr()`, `lockstep_result_len()` | the result of the last call, until the next |
//!
//! `batch.rs` describes the bytes of a batch. The result of `lockstep_encode` has the vectors of
//! the sequences one behind the other, as little-endian `i32`.
//!
//! Import: `lockstep.now_ms() -> f64`, a monotonic clock in milliseconds, only if the target has
//! none. Before each [`PIECE`] of a batch the module asks for the time, so that a host can end a
//! request there. A panic is a trap; the host must then drop the instance.
#![allow(unsafe_code, reason = "buffers cross the module's boundary as addresses")]
#![allow(unreachable_pub, reason = "the exports are reached by name")]

use std::cell::RefCell;

use lockstep_model::{Buffer, Line, Sequence, token_chunks};
use lockstep_rank::{
    EncodeError, Encoded, Limits, ModelInfo, Problem, Reply, Service, Text, TextEncoder, Token,
};

use crate::{
    TextModel,
    batch::{self, OwnedSequence},
};

/// Tokens of a piece.
const PIECE: usize = 1024;

#[derive(Default)]
struct State {
    service: Option<Service<ChunkedEncoder>>,
    result: Vec<u8>,
    tokens: usize,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::new(State::default());
}

#[cfg(target_os = "unknown")]
mod clock {
    #[link(wasm_import_module = "lockstep")]
    unsafe extern "C" {
        /// Monotonic milliseconds.
        safe fn now_ms() -> f64;
    }

    pub(super) fn now() -> f64 {
        now_ms()
    }
}

#[cfg(not(target_os = "unknown"))]
mod clock {
    pub(super) use lockstep_rank::monotonic_ms as now;
}

/// The model, a piece at a time.
struct ChunkedEncoder(TextModel);

impl TextEncoder for ChunkedEncoder {
    fn info(&self) -> &ModelInfo {
        self.0.info()
    }

    fn encode(&mut self, inputs: &[Text<'_>]) -> Result<Vec<Encoded>, EncodeError> {
        let encodings = self.0.reader().tokenize_all(inputs)?;
        let mut encoded = Vec::with_capacity(inputs.len());
        for piece in token_chunks(&encodings, PIECE, |encoding| encoding.ids.len()) {
            clock::now();
            encoded.extend(self.0.run_texts(piece)?);
        }
        Ok(encoded)
    }

    fn count_tokens(&mut self, input: Text<'_>) -> Result<usize, EncodeError> {
        self.0.count_tokens(input)
    }

    fn tokens(&mut self, text: &str, special: bool) -> Result<Vec<Token>, EncodeError> {
        self.0.tokens(text, special)
    }

    fn text_of(&mut self, ids: &[u32], skip_special: bool) -> Result<String, EncodeError> {
        self.0.text_of(ids, skip_special)
    }
}

/// A buffer of `len` bytes at a multiple of 64; 0 where there is no memory or `len` is 0.
#[unsafe(no_mangle)]
pub extern "C" fn lockstep_alloc(len: usize) -> *mut u8 {
    let (lines, mut buffer) = (lines(len), Vec::new());
    if len == 0 || buffer.try_reserve_exact(lines).is_err() {
        return std::ptr::null_mut();
    }
    buffer.resize(lines, Line([0; size_of::<Line>()]));
    Box::into_raw(buffer.into_boxed_slice()).cast()
}

/// Gives a buffer back.
///
/// # Safety
/// `ptr` and `len` are those of a [`lockstep_alloc`] whose buffer was neither freed nor passed on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lockstep_free(ptr: *mut u8, len: usize) {
    // SAFETY: the caller's promise is the one that `take` asks for.
    drop(unsafe { take(ptr, len) });
}

/// Opens a model; see the table above.
///
/// # Safety
/// Each pair is that of a [`lockstep_alloc`] (or 0 and 0) and belongs to the module from now on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lockstep_open(
    model: *mut u8,
    model_len: usize,
    tokenizer: *mut u8,
    tokenizer_len: usize,
    manifest: *mut u8,
    manifest_len: usize,
) -> u32 {
    // SAFETY: the caller passes three buffers on.
    let files =
        unsafe { [take(model, model_len), take(tokenizer, tokenizer_len), take(manifest, manifest_len)] };
    let [model, tokenizer, manifest] = files;
    STATE.with_borrow_mut(|state| match TextModel::open(model, &tokenizer, &manifest) {
        Ok(model) => {
            state.service = Some(Service::new(ChunkedEncoder(model), Limits::default(), clock::now));
            state.result.clear();
            0
        }
        Err(error) => {
            state.service = None;
            state.result = error.to_string().into_bytes();
            1
        }
    })
}

/// Answers a request; see the table above.
///
/// # Safety
/// Each pair is that of a [`lockstep_alloc`] (or 0 and 0) and belongs to the module from now on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lockstep_handle(
    method: *mut u8,
    method_len: usize,
    path: *mut u8,
    path_len: usize,
    body: *mut u8,
    body_len: usize,
) -> u32 {
    // SAFETY: the caller passes three buffers on.
    let [method, path, body] =
        unsafe { [take(method, method_len), take(path, path_len), take(body, body_len)] };
    let (method, path) = (String::from_utf8_lossy(&method), String::from_utf8_lossy(&path));
    STATE.with_borrow_mut(|state| {
        state.tokens = 0;
        let Some(service) = &mut state.service else {
            let reply = Reply::from(Problem::Unhealthy("no model is open".into()));
            state.result = reply.body.into_bytes();
            return reply.status.into();
        };
        let reply = service.handle(&method, &path, &body);
        state.result = reply.body.into_bytes();
        state.tokens = reply.usage.tokens;
        reply.status.into()
    })
}

/// Encodes sequences of token ids; see the table above.
///
/// # Safety
/// The pair is that of a [`lockstep_alloc`] (or 0 and 0) and belongs to the module from now on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lockstep_encode(batch: *mut u8, len: usize) -> u32 {
    // SAFETY: the caller passes the buffer on.
    let batch = unsafe { take(batch, len) };
    STATE.with_borrow_mut(|state| {
        let encoded = match &state.service {
            Some(service) => encode(&service.encoder().0, &batch),
            None => Err(NOT_OPEN.into()),
        };
        state.finish(encoded)
    })
}

/// The name of the kernel; see the table above.
#[unsafe(no_mangle)]
pub extern "C" fn lockstep_kernel() -> u32 {
    STATE.with_borrow_mut(|state| {
        let name = state.service.as_ref().map(|service| service.encoder().0.kernel_name());
        state.finish(name.map(Into::into).ok_or_else(|| NOT_OPEN.into()))
    })
}

const NOT_OPEN: &str = "no model is open";

impl State {
    /// Keeps the result of a call, and gives the call's status.
    fn finish(&mut self, result: Result<Vec<u8>, String>) -> u32 {
        let status = u32::from(result.is_err());
        self.result = result.unwrap_or_else(String::into_bytes);
        status
    }
}

fn encode(model: &TextModel, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let sequences = batch::read(bytes)?;
    let batch: Vec<Sequence<'_>> = sequences.iter().map(OwnedSequence::borrowed).collect();
    let mut result = Vec::new();
    for piece in token_chunks(&batch, PIECE, |sequence| sequence.ids.len()) {
        clock::now();
        for vector in model.run(piece).map_err(|error| error.to_string())? {
            result.extend(vector.iter().flat_map(|number| number.to_le_bytes()));
        }
    }
    Ok(result)
}

/// Tokens that the last request took, for the daemon's `x-compute-tokens`.
#[unsafe(no_mangle)]
pub extern "C" fn lockstep_result_tokens() -> usize {
    STATE.with_borrow(|state| state.tokens)
}

/// Address of the last result.
#[unsafe(no_mangle)]
pub extern "C" fn lockstep_result_ptr() -> *const u8 {
    STATE.with_borrow(|state| state.result.as_ptr())
}

/// Length of the last result.
#[unsafe(no_mangle)]
pub extern "C" fn lockstep_result_len() -> usize {
    STATE.with_borrow(|state| state.result.len())
}

/// Lines of 64 bytes that hold `len` bytes. The model is read where it lies, so it must be aligned.
const fn lines(len: usize) -> usize {
    len.div_ceil(size_of::<Line>())
}

/// A buffer back from the caller.
///
/// # Safety
/// `ptr` and `len` are those of a [`lockstep_alloc`] not taken before, or `len` is 0.
unsafe fn take(ptr: *mut u8, len: usize) -> Buffer {
    if len == 0 || ptr.is_null() {
        return Buffer::default();
    }
    // SAFETY: `lockstep_alloc` made this very boxed slice, and nobody else owns it.
    Buffer::of_lines(
        unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(ptr.cast(), lines(len))) },
        len,
    )
}
