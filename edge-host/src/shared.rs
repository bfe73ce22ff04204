//! What all requests of a daemon share.

use std::sync::{Arc, atomic::AtomicBool};

use crate::{
    budget::Budget, config::Config, current::Current, live::InForce, metrics::Metrics, traces::Tracer,
};

/// What all requests share.
pub(crate) struct Shared {
    /// The engines that answer.
    pub(crate) current: Arc<Current>,
    pub(crate) config: Config,
    /// The settings that may change while the daemon runs.
    pub(crate) live: InForce,
    pub(crate) metrics: Metrics,
    /// The memory for bodies.
    pub(crate) bodies: Budget,
    /// Makes traces, if somebody wants them.
    pub(crate) tracer: Option<Tracer>,
    /// Whether the daemon answers the requests under way and then ends.
    pub(crate) draining: AtomicBool,
}
