//! Counts answers by path and status, and how long they took.

use std::{fmt, time::Duration};

use lockstep_rank::route;
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder},
    metrics::{
        MetricType, TypedMetric,
        counter::Counter,
        family::Family,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use crate::{pack_answer, record::Record};

/// The label of a path that the daemon does not have. Clients may send any path, so these share
/// one label.
const OTHER: &str = "other";

/// The counters of requests.
#[derive(Debug)]
pub(super) struct Requests {
    answers: Family<Answer, Counter>,
    of_keys: Family<OfKey, Counter>,
    seconds: Family<Path, Histogram, fn() -> Histogram>,
    tokens: Counter,
    te_count: Plain,
    te_success: Plain,
    te_failure: Family<Failure, Plain>,
    te_duration: Histogram,
    te_queue: Histogram,
    te_inference: Histogram,
    te_length: Histogram,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    path: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfKey {
    key: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Path {
    path: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failure {
    err: &'static str,
}

impl Requests {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let seconds: fn() -> Histogram = durations;
        let all = Self {
            answers: Family::default(),
            of_keys: Family::default(),
            seconds: Family::new_with_constructor(seconds),
            tokens: Counter::default(),
            te_count: Plain::default(),
            te_success: Plain::default(),
            te_failure: Family::default(),
            te_duration: durations(),
            te_queue: durations(),
            te_inference: durations(),
            te_length: Histogram::new(exponential_buckets(1.0, 2.0, 17)),
        };
        registry.register("lockstep_answers", "Answers by path and status", all.answers.clone());
        registry.register("lockstep_key_answers", "Answers by key and status", all.of_keys.clone());
        let help = "Time from a request's head to its answer";
        registry.register_with_unit("lockstep_request", help, Unit::Seconds, all.seconds.clone());
        registry.register("lockstep_tokens", "Tokens of all answered requests", all.tokens.clone());
        registry.register("te_request_count", "Requests for the model", all.te_count.clone());
        registry.register("te_request_success", "Requests answered with 200", all.te_success.clone());
        registry.register("te_request_failure", "Refused requests by reason", all.te_failure.clone());
        for (name, help, histogram) in [
            ("te_request_duration", "Seconds from a request to its answer", &all.te_duration),
            ("te_request_queue_duration", "Seconds until an engine began", &all.te_queue),
            ("te_request_inference_duration", "Seconds of engines", &all.te_inference),
            ("te_request_input_length", "Tokens of a request", &all.te_length),
        ] {
            registry.register(name, help, histogram.clone());
        }
        all
    }

    pub(super) fn count(&self, record: &Record) {
        let own = (record.path == pack_answer::PATH).then_some(pack_answer::PATH);
        let path = route(&record.path).or(own).unwrap_or(OTHER);
        self.answers.get_or_create(&Answer { path, status: record.status }).inc();
        self.seconds.get_or_create(&Path { path }).observe(record.took.as_secs_f64());
        if let Some(key) = &record.key {
            let of_key = OfKey { key: key.to_string(), status: record.status };
            self.of_keys.get_or_create(&of_key).inc();
        }
        if let Some(err) = record.error_type {
            self.te_failure.get_or_create(&Failure { err }).0.inc();
        }
        let Some(timing) = &record.timing else { return };
        self.te_count.0.inc();
        if record.status == 200 {
            self.te_success.0.inc();
        }
        self.tokens.inc_by(record.tokens as u64);
        self.te_length.observe(record.tokens as f64);
        let observe = |histogram: &Histogram, time: Duration| histogram.observe(time.as_secs_f64());
        observe(&self.te_duration, record.took);
        observe(&self.te_queue, timing.queued);
        observe(&self.te_inference, timing.ran);
    }
}

/// From 10 µs to 86 s: 35 limits, each 1.6 times the one before.
fn durations() -> Histogram {
    Histogram::new(exponential_buckets(1e-5, 1.6, 35))
}

/// A counter whose name gets no `_total`, as text-embeddings-inference names its counters.
#[derive(Debug, Clone, Default)]
struct Plain(Counter);

impl EncodeMetric for Plain {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        encoder.encode_gauge(&i64::try_from(self.0.get()).unwrap_or(i64::MAX))
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Plain {
    const TYPE: MetricType = MetricType::Unknown;
}
