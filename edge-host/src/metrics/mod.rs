//! `GET /metrics`: what the daemon counts, in the text format of Prometheus.
//!
//! Names that begin with `te_` are those of text-embeddings-inference and mean the same here, so
//! that its dashboards work. `requests.rs` counts answers as they are made; `engines.rs` and
//! `process.rs` look when somebody asks.

mod engines;
mod gauge;
mod process;
mod requests;
mod spans;
mod tls;

use std::sync::Arc;

use lockstep_rank::Problem;
use prometheus_client::{
    encoding::prometheus_text::{CONTENT_TYPE, encode},
    registry::Registry,
};

use self::{engines::Engines, process::Process, requests::Requests, spans::Spans, tls::Handshakes};
use crate::{current::Current, record::Record, tls::Tls, traces::Counts};

/// The media type of [`Metrics::text`].
pub(crate) const MEDIA_TYPE: &str = CONTENT_TYPE;

/// All counters of the daemon.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: Requests,
}

impl Metrics {
    /// Counters at zero, around the engines that answer, the handshakes of a TLS port, and the
    /// spans of traces.
    pub(crate) fn new(current: &Arc<Current>, tls: Option<&Arc<Tls>>, spans: Option<&Arc<Counts>>) -> Self {
        let mut registry = Registry::default();
        let requests = Requests::register(&mut registry);
        registry.register_collector(Box::new(Engines::of(current)));
        registry.register_collector(Box::new(Process));
        if let Some(tls) = tls {
            registry.register_collector(Box::new(Handshakes::of(tls)));
        }
        if let Some(counts) = spans {
            registry.register_collector(Box::new(Spans(Arc::clone(counts))));
        }
        Self { registry, requests }
    }

    /// Counts an answered request.
    pub(crate) fn count(&self, record: &Record) {
        self.requests.count(record);
    }

    /// All counters, as text.
    pub(crate) fn text(&self) -> Result<String, Problem> {
        let mut text = String::new();
        encode(&mut text, &self.registry)
            .map_err(|_| Problem::Backend("the metrics cannot be written as text".into()))?;
        Ok(text)
    }
}
