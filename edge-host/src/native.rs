//! The engine in this process: for hosts whose processors are all there is.
//!
//! A request's texts are cut by tokens into pieces, which all cores take from a pool of threads that the workers share.
//! Between pieces an engine looks at its deadline; a piece is at most [`PIECE`] tokens or one text. A panic ends its
//! request, and the daemon goes on with a new service.

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
    error::HostError,
    instance::{Answer, InstanceError},
};

/// Tokens of a piece: enough to fill the kernels' tiles, and no more than a deadline can wait for.
const PIECE: usize = 512;
/// Tokens below which a piece is not cut any further.
const LEAST: usize = 64;

/// What all workers share.
pub(crate) struct Native {
    model: TextModel,
    threads: ThreadPool,
}

impl Native {
    pub(crate) fn open(config: &Config) -> Result<Arc<Self>, HostError> {
        let model = TextModel::open_folder(&config.model).map_err(|error| match error {
            lockstep_module::OpenError::File { path, source } => HostError::File { path, source },
            error => HostError::Open(error.to_string()),
        })?;
        let threads = ThreadPoolBuilder::new()
            .num_threads(config.instances.get())
            .thread_name(|number| format!("edge-core-{number}"))
            .build()
            .map_err(|error| HostError::Thread(std::io::Error::other(error)))?;
        Ok(Arc::new(Self { model, threads }))
    }
}

/// One worker's engine.
pub(crate) struct Engine {
    service: Service<ParallelEncoder>,
    call: Arc<Call>,
}

impl Engine {
    pub(crate) fn new(native: Arc<Native>, stop: Arc<AtomicBool>) -> Self {
        let call = Arc::new(Call { deadline: Mutex::new(Instant::now()), stop });
        let encoder = ParallelEncoder { native, call: Arc::clone(&call) };
        Self { service: Service::new(encoder, Limits::default(), monotonic_ms), call }
    }

    /// Answers one request by `deadline`.
    pub(crate) fn handle(
        &mut self,
        method_path: &str,
        body: &[u8],
        deadline: Instant,
    ) -> Result<Answer, InstanceError> {
        *self.call.deadline.lock().unwrap_or_else(PoisonError::into_inner) = deadline;
        let (method, path) = method_path.split_once(' ').unwrap_or((method_path, ""));
        let answer = AssertUnwindSafe(|| self.service.handle(method, path, body));
        let reply = catch_unwind(answer).map_err(|panic| InstanceError::Panic(message(&*panic)))?;
        // A request that was given up has an answer that says so; what happened is for the queue to tell.
        if let (true, Some(error)) = (reply.status >= 400, self.call.over()) {
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
    /// Why the call must end, if it must.
    fn over(&self) -> Option<InstanceError> {
        if self.stop.load(Ordering::Relaxed) {
            return Some(InstanceError::Stopped);
        }
        let deadline = *self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        (Instant::now() >= deadline).then_some(InstanceError::Deadline)
    }
}

/// The model, with every batch cut over the threads.
struct ParallelEncoder {
    native: Arc<Native>,
    call: Arc<Call>,
}

impl TextEncoder for ParallelEncoder {
    fn info(&self) -> &ModelInfo {
        self.native.model.info()
    }

    fn encode(&mut self, inputs: &[Text<'_>]) -> Result<Vec<Encoded>, EncodeError> {
        let Native { model, threads } = &*self.native;
        let encodings = model.tokenize_all(inputs)?;
        let tokens: usize = encodings.iter().map(|encoding| encoding.ids.len()).sum();
        let piece = tokens.div_ceil(threads.current_num_threads()).clamp(LEAST, PIECE);
        let run = |piece: &&[Encoding]| match self.call.over() {
            Some(over) => Err(EncodeError::Backend(over.to_string())),
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
        self.native.model.tokenize(input).map(|encoding| encoding.total_tokens)
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}
