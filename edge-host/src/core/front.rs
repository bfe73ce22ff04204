//! Answers requests: `rank` with a model that encodes through the scheduler.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use hyper::body::Bytes;
use lockstep_rank::{ItemStore, Limits, ModelInfo, Problem, Reply, Service, fill, monotonic_ms};
use serde_json::Value;

use super::{
    context::Context,
    encoder::{Queue, QueuedEncoder},
    route::Priority,
    scheduler::Scheduler,
    vectors::Vectors,
};
use crate::engine::texts::Texts;

/// Everything that a request needs beside itself.
pub(crate) struct Front {
    texts: Arc<Texts>,
    info: ModelInfo,
    limits: Limits,
    vectors: Vectors,
    scheduler: Arc<Scheduler>,
    deadline: Duration,
    items: Option<Arc<dyn ItemStore>>,
    /// Made when a client first asks for it; it never changes.
    openapi: OnceLock<Bytes>,
}

/// The settings of a front.
#[derive(Debug, Clone)]
pub(crate) struct FrontSettings {
    pub(crate) max_body_bytes: usize,
    pub(crate) vector_bytes: u64,
    /// The time that a request may take if it does not say so itself.
    pub(crate) deadline: Duration,
    /// The items that the daemon keeps.
    pub(crate) items: Option<Arc<dyn ItemStore>>,
}

impl Front {
    /// A front whose CPU engines compute with the kernel `backend`.
    pub(crate) fn new(
        texts: Arc<Texts>,
        backend: &str,
        scheduler: Arc<Scheduler>,
        settings: FrontSettings,
    ) -> Self {
        let FrontSettings { max_body_bytes, vector_bytes, deadline, items } = settings;
        let limits = Limits { max_body_bytes, ..Limits::default() };
        let reader = texts.reader();
        let (info, vectors) = (reader.info(backend), Vectors::new(vector_bytes, reader.outputs()));
        Self { texts, info, limits, vectors, scheduler, deadline, items, openapi: OnceLock::new() }
    }

    /// The answer to `GET /info`. It promises the tokens that the daemon can run in time at this
    /// moment. Waits for no engine.
    pub(crate) fn info(&self) -> String {
        let limits = Limits { max_batch_tokens: self.scheduler.promise(self.deadline), ..self.limits };
        let asked = Context::new(Instant::now(), self.deadline, Priority::Interactive);
        self.answer_within(limits, "GET", "/info", &[], &asked).body
    }

    /// The model's description.
    pub(crate) fn model(&self) -> &ModelInfo {
        &self.info
    }

    /// The OpenAPI document. `complete` adds what the host answers itself.
    pub(crate) fn openapi(&self, complete: fn(Value) -> Value) -> Bytes {
        let make = || complete(lockstep_rank::openapi(&self.info, &self.limits)).to_string().into();
        self.openapi.get_or_init(make).clone()
    }

    /// How many texts had a known vector, and how many had to be encoded.
    pub(crate) fn found(&self) -> (u64, u64) {
        self.vectors.found()
    }

    /// Answers a request. Blocks until the answer, the context's deadline or its cancellation.
    pub(crate) fn answer(&self, method: &str, path: &str, body: &[u8], context: &Context) -> Reply {
        self.answer_within(self.limits, method, path, body, context)
    }

    /// Gives some items their vectors: see [`fill`]. Other requests go first.
    ///
    /// # Errors
    /// Those of [`fill`], or too much work before this.
    pub(crate) fn fill(&self, after: i64, most: usize) -> Result<Option<i64>, Problem> {
        let Self { texts, info, scheduler, items, .. } = self;
        let Some(items) = items else { return Ok(None) };
        let context = &Context::new(Instant::now(), self.deadline, Priority::Batch);
        let mut queue = Queue { reader: texts.reader(), scheduler, context, info };
        fill(&mut queue, &**items, after, most)
    }

    fn answer_within(
        &self,
        limits: Limits,
        method: &str,
        path: &str,
        body: &[u8],
        context: &Context,
    ) -> Reply {
        let Self { texts, info, vectors, scheduler, items, .. } = self;
        let queue = Queue { reader: texts.reader(), scheduler, context, info };
        let encoder = QueuedEncoder { info, vectors, queue };
        let mut service = Service::new(encoder, limits, monotonic_ms).with_items(items.clone());
        let reply = catch_unwind(AssertUnwindSafe(|| service.handle(method, path, body)));
        match (reply, context.problem()) {
            (Err(panic), _) => {
                let problem = Problem::Backend(format!("the service panicked: {}", message(&*panic)));
                Reply::refusal(&problem).shaped_for(path)
            }
            // The service knows only that the model failed.
            (Ok(reply), Some(problem)) if reply.status >= 400 => Reply::refusal(&problem).shaped_for(path),
            (Ok(reply), _) => reply,
        }
    }
}

/// The message of a panic.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}
