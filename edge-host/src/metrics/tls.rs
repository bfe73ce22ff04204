//! The certificate and the handshakes of a daemon that speaks TLS.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter},
};

use super::gauge::gauge;
use crate::tls::Tls;

/// Looks at the TLS port.
pub(super) struct Handshakes(Arc<Tls>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
}

impl Handshakes {
    pub(super) fn of(tls: &Arc<Tls>) -> Self {
        Self(Arc::clone(tls))
    }
}

impl fmt::Debug for Handshakes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Handshakes")
    }
}

impl Collector for Handshakes {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "When the certificate in force ends, in seconds since 1970";
        gauge(&mut encoder, "lockstep_certificate_end_timestamp_seconds", help, self.0.end() as f64)?;
        let help = "Handshakes of TLS by their end";
        let mut family = encoder.encode_descriptor("lockstep_handshakes", help, None, MetricType::Counter)?;
        for (outcome, count) in self.0.outcomes() {
            ConstCounter::new(count).encode(family.encode_family(&Ended { outcome: outcome.word() })?)?;
        }
        Ok(())
    }
}
