//! Runs the engine inside the daemon, on all cores, for hosts without an accelerator.
//!
//! The engine cuts the texts of a request into pieces of at most [`PIECE`] tokens, or one text. A
//! pool of threads, which all workers share, runs the pieces. Before each piece the engine looks at
//! its deadline. A panic ends its request; the worker then makes a new engine.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use lockstep_module::{Encoding, TextModel, token_chunks};
use lockstep_rank::{EncodeError, Encoded, Limits, ModelInfo, Service, Text, TextEncoder, monotonic_ms};
use rayon::{ThreadPool, ThreadPoolBuilder, prelude::*};

use crate::{
    config::Config,
    engine::interface::{Answer, Engine, EngineError, Engines},
    error::HostError,
};

/// Most tokens of a piece: enough to fill the kernels' tiles, and few enough that a deadline need
/// not wait long for the piece's end.
const PIECE: usize = 512;
/// Least tokens of a piece, if the request has so many.
const LEAST: usize = 64;

/// The model and the threads, shared by all workers.
pub(crate) struct Native {
    shared: Arc<Shared>,
    stop: Arc<AtomicBool>,
}

struct Shared {
    model: TextModel,
    threads: ThreadPool,
}

impl Native {
    pub(crate) fn open(config: &Config, stop: Arc<AtomicBool>) -> Result<Self, HostError> {
        let model = TextModel::open_folder(&config.model).map_err(|error| match error {
            lockstep_module::OpenError::File { path, source } => HostError::File { path, source },
            error => HostError::Open(error.to_string()),
        })?;
        let threads = ThreadPoolBuilder::new()
            .num_threads(config.instances.get())
            .thread_name(|number| format!("edge-core-{number}"))
            .build()
            .map_err(|error| HostError::Thread(std::io::Error::other(error)))?;
        Ok(Self { shared: Arc::new(Shared { model, threads }), stop })
    }
}

impl Engines for Native {
    fn open(&self) -> Result<Box<dyn Engine>, EngineError> {
        let call = Arc::new(Call { deadline: Mutex::new(Instant::now()), stop: Arc::clone(&self.stop) });
        let encoder = ParallelEncoder { shared: Arc::clone(&self.shared), call: Arc::clone(&call) };
        Ok(Box::new(NativeEngine { service: Service::new(encoder, Limits::default(), monotonic_ms), call }))
    }
}

/// One worker's engine.
struct NativeEngine {
    service: Service<ParallelEncoder>,
    call: Arc<Call>,
}

impl Engine for NativeEngine {
    fn handle(
        &mut self,
        method: &str,
        path: &str,
        body: &[u8],
        deadline: Instant,
    ) -> Result<Answer, EngineError> {
        *self.call.deadline.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
        let answer = AssertUnwindSafe(|| self.service.handle(method, path, body));
        let reply = catch_unwind(answer).map_err(|panic| EngineError::Panic(message(&*panic)))?;
        // The service turned an interruption into a refusal. The queue must see the interruption.
        if let (true, Some(error)) = (reply.status >= 400, self.call.interrupted()) {
            return Err(error);
        }
        let tokens = u32::try_from(reply.usage.tokens).ok();
        Ok(Answer { status: reply.status, body: reply.body.into_bytes(), tokens })
    }
}

/// The call under way.
struct Call {
    deadline: Mutex<Instant>,
    stop: Arc<AtomicBool>,
}

impl Call {
    /// The reason why the call must end, if there is one.
    fn interrupted(&self) -> Option<EngineError> {
        if self.stop.load(Ordering::Relaxed) {
            return Some(EngineError::Stopped);
        }
        let deadline = *self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        (Instant::now() >= deadline).then_some(EngineError::Deadline)
    }
}

/// The model; all threads share the work of a batch.
struct ParallelEncoder {
    shared: Arc<Shared>,
    call: Arc<Call>,
}

impl TextEncoder for ParallelEncoder {
    fn info(&self) -> &ModelInfo {
        self.shared.model.info()
    }

    fn encode(&mut self, inputs: &[Text<'_>]) -> Result<Vec<Encoded>, EncodeError> {
        let Shared { model, threads } = &*self.shared;
        let encodings = model.tokenize_all(inputs)?;
        let tokens: usize = encodings.iter().map(|encoding| encoding.ids.len()).sum();
        let piece = tokens.div_ceil(threads.current_num_threads()).clamp(LEAST, PIECE);
        let run = |piece: &&[Encoding]| match self.call.interrupted() {
            Some(error) => Err(EncodeError::Backend(error.to_string())),
            None => model.run(piece),
        };
        let pieces: Vec<_> = token_chunks(&encodings, piece, |encoding| encoding.ids.len()).collect();
        if pieces.len() < 2 {
            return pieces.iter().map(run).next().unwrap_or(Ok(Vec::new()));
        }
        let results: Vec<_> = threads.install(|| pieces.par_iter().map(run).collect());
        let mut encoded = Vec::with_capacity(inputs.len());
        for result in results {
            encoded.extend(result?);
        }
        Ok(encoded)
    }

    fn count_tokens(&mut self, input: Text<'_>) -> Result<usize, EncodeError> {
        self.shared.model.tokenize(input).map(|encoding| encoding.total_tokens)
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}
