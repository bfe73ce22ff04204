//! The engines and the queue, as they are when somebody asks.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, TypedMetric, counter::ConstCounter, gauge::ConstGauge},
};

use super::gauge::gauge;
use crate::{core::report::SeatReport, current::Current};

/// Looks at the engines that answer. It does not keep them alive.
#[derive(Debug)]
pub(super) struct Engines(Weak<Current>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Engine {
    engine: String,
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Model {
    digest: String,
    backend: String,
    version: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Found {
    found: &'static str,
}

impl Engines {
    pub(super) fn of(current: &Arc<Current>) -> Self {
        Self(Arc::downgrade(current))
    }
}

impl Collector for Engines {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(current) = self.0.upgrade() else { return Ok(()) };
        let pool = current.now();
        gauge(
            &mut encoder,
            "lockstep_ready",
            "1 if an engine can take work",
            f64::from(u8::from(pool.is_ready())),
        )?;
        let help = "Requests that wait for their answer; their bodies are complete";
        gauge(&mut encoder, "lockstep_requests_under_way", help, pool.under_way() as f64)?;
        if let Some(served) = pool.served() {
            let model = Model {
                digest: served.info.model_digest(),
                backend: served.info.value("x-lockstep-backend"),
                version: env!("CARGO_PKG_VERSION"),
            };
            let help = "The model and the kernel that computes it; always 1";
            let mut metric =
                encoder.encode_descriptor("lockstep_model_info", help, None, MetricType::Gauge)?;
            ConstGauge::new(1_i64).encode(metric.encode_family(&model)?)?;
            let (known, computed) = served.front.found();
            let help = "Texts whose vectors were known, or had to be computed";
            let mut metric =
                encoder.encode_descriptor("lockstep_vectors", help, None, MetricType::Counter)?;
            for (found, count) in [("known", known), ("computed", computed)] {
                ConstCounter::new(count).encode(metric.encode_family(&Found { found })?)?;
            }
        }
        let Some(report) = pool.report() else { return Ok(()) };
        gauge(&mut encoder, "te_queue_size", "Texts that wait for an engine", report.waiting_texts as f64)?;
        let help = "Tokens that wait for an engine";
        gauge(&mut encoder, "lockstep_waiting_tokens", help, report.waiting_tokens as f64)?;
        for (name, help, histogram) in [
            ("te_batch_next_size", "Texts of a batch", &report.batch_texts),
            ("te_batch_next_tokens", "Tokens of a batch", &report.batch_tokens),
        ] {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
            histogram.encode(metric)?;
        }
        let seats = &report.seats;
        let help = "Measured speed of an engine; 0 before its first batch";
        of_each(&mut encoder, seats, "lockstep_engine_rate", help, |seat| ConstGauge::new(seat.rate))?;
        let help = "1 if the engine is open, 0 while it is away";
        let up = |seat: &SeatReport| ConstGauge::new(i64::from(seat.is_up));
        of_each(&mut encoder, seats, "lockstep_engine_up", help, up)?;
        let counts = |seat: &SeatReport| [seat.batches, seat.texts, seat.tokens, seat.failures];
        let names = [
            ("lockstep_engine_batches", "Batches of an engine"),
            ("lockstep_engine_texts", "Texts of an engine"),
            ("lockstep_engine_tokens", "Tokens of an engine"),
            ("lockstep_engine_failures", "Batches on which an engine failed"),
        ];
        for (place, (name, help)) in names.into_iter().enumerate() {
            of_each(&mut encoder, seats, name, help, |seat| ConstCounter::new(counts(seat)[place]))?;
        }
        Ok(())
    }
}

/// A metric of each engine.
fn of_each<M: EncodeMetric + TypedMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    seats: &[SeatReport],
    name: &str,
    help: &str,
    metric: impl Fn(&SeatReport) -> M,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, M::TYPE)?;
    for seat in seats {
        metric(seat).encode(family.encode_family(&Engine::of(seat))?)?;
    }
    Ok(())
}

impl Engine {
    fn of(seat: &SeatReport) -> Self {
        Self { engine: seat.name.clone(), kind: if seat.is_card { "card" } else { "cpu" } }
    }
}
