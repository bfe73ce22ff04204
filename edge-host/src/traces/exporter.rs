//! The task that sends spans: in batches, with a few attempts, and never in a request's way.

use std::{sync::Arc, time::Duration};

use hyper::body::Bytes;
use prost::Message;
use tokio::{
    sync::mpsc::{Receiver, channel},
    task::JoinHandle,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{
    counts::{Counts, Outcome},
    otlp::{Export, OfResource, OfScope, Resource, Scope, Span, text},
    sending::{Failure, send},
    tracer::Tracer,
};
use crate::{collector::Collector, log, request_id};

/// Requests whose spans may wait.
const QUEUE: usize = 1024;
/// Spans of a message, and how long the first of them waits for others.
const MOST: usize = 512;
const GATHER: Duration = Duration::from_millis(500);
/// Attempts for a message, and the pause after the first; each further pause is twice as long.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(500);
/// How long a shutdown waits for the last spans.
const FLUSH: Duration = Duration::from_secs(2);

/// The task, and what it counts.
#[derive(Debug)]
pub(crate) struct Exporter {
    task: JoinHandle<()>,
    counts: Arc<Counts>,
}

impl Exporter {
    /// Starts the task, and makes the tracer whose spans it sends. It ends when the tracer is
    /// dropped.
    pub(crate) fn start(collector: Collector, share: f64) -> (Tracer, Self) {
        let (queue, taken) = channel(QUEUE);
        let counts = Arc::new(Counts::default());
        let tracer = Tracer::new(share, queue, Arc::clone(&counts));
        let task = tokio::spawn(run(collector, taken, Arc::clone(&counts)));
        (tracer, Self { task, counts })
    }

    /// What became of the spans.
    pub(crate) fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }

    /// Waits until the last spans are sent, for a bounded time. The tracer must be gone.
    pub(crate) async fn flush(mut self) {
        if timeout(FLUSH, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

async fn run(collector: Collector, mut queue: Receiver<Vec<Span>>, counts: Arc<Counts>) {
    let resource = resource();
    let mut well = true;
    while let Some(mut spans) = queue.recv().await {
        let until = Instant::now() + GATHER;
        while spans.len() < MOST {
            match timeout_at(until, queue.recv()).await {
                Ok(Some(more)) => spans.extend(more),
                Ok(None) | Err(_) => break,
            }
        }
        let count = spans.len() as u64;
        let result = attempts(&collector, message(&resource, spans)).await;
        let rejected = *result.as_ref().unwrap_or(&count);
        counts.add(Outcome::Failed, rejected.min(count));
        counts.add(Outcome::Sent, count.saturating_sub(rejected));
        // A line for each change: a collector that is away would fill the log.
        match &result {
            Err(Failure { detail, .. }) if well => {
                log::line(format_args!("traces do not reach {collector}: {detail}"));
            }
            Ok(_) if !well => log::line(format_args!("traces reach {collector} again")),
            _ => {}
        }
        well = result.is_ok();
    }
}

async fn attempts(collector: &Collector, message: Bytes) -> Result<u64, Failure> {
    let mut pause = PAUSE;
    for _ in 1..ATTEMPTS {
        match send(collector, message.clone()).await {
            Err(Failure { again: true, .. }) => sleep(pause).await,
            other => return other,
        }
        pause *= 2;
    }
    send(collector, message).await
}

fn resource() -> Resource {
    let attributes = vec![
        text("service.name", "edge-host"),
        text("service.version", env!("CARGO_PKG_VERSION")),
        text("service.instance.id", request_id::of(&hyper::HeaderMap::new())),
    ];
    Resource { attributes }
}

fn message(resource: &Resource, spans: Vec<Span>) -> Bytes {
    let scope = Scope { name: "lockstep".into(), version: env!("CARGO_PKG_VERSION").into() };
    let scopes = vec![OfScope { scope: Some(scope), spans }];
    Export { resources: vec![OfResource { resource: Some(resource.clone()), scopes }] }.encode_to_vec().into()
}
