//! Traces for OpenTelemetry: the spans of requests, sent to a collector as OTLP over HTTP.
//!
//! `parent.rs` reads the trace that a request belongs to, `tracer.rs` decides which requests are
//! traced and hands their spans (`spans.rs`) to `exporter.rs`, whose task sends them
//! (`sending.rs`). A request never waits for it: spans without room are counted and lost.
//!
//! `otlp.rs` has the messages that are needed, for the crate `prost`, which is in the program
//! anyway. The crates of OpenTelemetry would bring an executor and a queue of their own, whose
//! losses nobody can count.

mod counts;
mod exporter;
mod otlp;
mod parent;
mod sending;
mod spans;
mod tracer;

pub(crate) use self::{
    counts::{Counts, Outcome},
    exporter::Exporter,
    tracer::Tracer,
};
