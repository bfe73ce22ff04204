//! The engines and the queue, as they are when somebody asks.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

use crate::{core::report::SeatReport, pool::Pool};

/// Looks at the engines of a pool. It does not keep the pool alive.
#[derive(Debug)]
pub(super) struct Engines(Weak<Pool>);

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
    pub(super) fn of(pool: &Arc<Pool>) -> Self {
        Self(Arc::downgrade(pool))
    }
}

impl Collector for Engines {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(pool) = self.0.upgrade() else { return Ok(()) };
        gauge(
            &mut encoder,
            "lockstep_ready",
            "1 if an engine can take work",
            f64::from(u8::from(pool.is_ready())),
        )?;
        if let Some(served) = pool.served() {
            let model = Model {
                digest: served.info.value("x-lockstep-model-digest"),
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
        let tokens_a_second = "Measured speed of an engine; 0 before its first batch";
        of_each(&mut encoder, seats, "lockstep_engine_rate", tokens_a_second, |seat| seat.rate)?;
        let usable = "1 if the engine is open, 0 while it is away";
        of_each(&mut encoder, seats, "lockstep_engine_up", usable, |seat| f64::from(u8::from(seat.is_up)))?;
        counted(&mut encoder, seats, "lockstep_engine_batches", "Batches of an engine", |seat| seat.batches)?;
        counted(&mut encoder, seats, "lockstep_engine_texts", "Texts of an engine", |seat| seat.texts)?;
        counted(&mut encoder, seats, "lockstep_engine_tokens", "Tokens of an engine", |seat| seat.tokens)?;
        let help = "Batches on which an engine failed";
        counted(&mut encoder, seats, "lockstep_engine_failures", help, |seat| seat.failures)
    }
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: f64) -> fmt::Result {
    let gauge = ConstGauge::new(value);
    gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

/// A gauge with a value for each engine.
fn of_each(
    encoder: &mut DescriptorEncoder<'_>,
    seats: &[SeatReport],
    name: &str,
    help: &str,
    value: impl Fn(&SeatReport) -> f64,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for seat in seats {
        ConstGauge::new(value(seat)).encode(metric.encode_family(&Engine::of(seat))?)?;
    }
    Ok(())
}

/// A counter with a value for each engine.
fn counted(
    encoder: &mut DescriptorEncoder<'_>,
    seats: &[SeatReport],
    name: &str,
    help: &str,
    value: impl Fn(&SeatReport) -> u64,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for seat in seats {
        ConstCounter::new(value(seat)).encode(metric.encode_family(&Engine::of(seat))?)?;
    }
    Ok(())
}

impl Engine {
    fn of(seat: &SeatReport) -> Self {
        Self { engine: seat.name.clone(), kind: if seat.is_card { "card" } else { "cpu" } }
    }
}
