//! What became of the spans of a daemon that sends traces.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter},
};

use crate::traces::{Counts, Outcome};

/// Looks at the exporter's counts.
#[derive(Debug)]
pub(super) struct Spans(pub(super) Arc<Counts>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
}

impl Collector for Spans {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Spans of traces by their end";
        let mut family = encoder.encode_descriptor("lockstep_spans", help, None, MetricType::Counter)?;
        for outcome in Outcome::ALL {
            let count = ConstCounter::new(self.0.of(outcome));
            count.encode(family.encode_family(&Ended { outcome: outcome.word() })?)?;
        }
        Ok(())
    }
}
