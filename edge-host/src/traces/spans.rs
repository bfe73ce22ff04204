//! The spans of one request: the request, and a child for each of its stages.

use std::time::{Duration, Instant, SystemTime};

use lockstep_rank::route;

use super::otlp::{ERROR, INTERNAL, SERVER, Span, Status, number, text};
use crate::{core::timing::Stage, record::Record};

/// Methods that a span's name may have. A client may send any other word.
const METHODS: [&str; 6] = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];

/// A request that is traced.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    pub(super) trace: [u8; 16],
    /// The request's own span.
    pub(super) span: [u8; 8],
    /// Empty, or the span in which the request was made.
    pub(super) parent: Vec<u8>,
    pub(super) state: String,
    /// The same moment on two clocks: when the request's head was read.
    pub(super) began: (Instant, SystemTime),
}

impl Trace {
    /// The trace's id, as tools show it.
    pub(crate) fn id(&self) -> String {
        self.trace.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The spans of the request, its own first.
    pub(super) fn spans(&self, record: &Record) -> Vec<Span> {
        let (began, _) = self.began;
        let mut root = self.span(self.span, self.parent.clone(), began, began + record.took);
        let method = METHODS.iter().find(|method| **method == record.method).copied();
        let route = route(&record.path);
        root.name =
            [Some(method.unwrap_or("HTTP")), route].into_iter().flatten().collect::<Vec<_>>().join(" ");
        root.kind = SERVER;
        root.state.clone_from(&self.state);
        root.attributes = vec![
            text("http.request.method", method.unwrap_or("_OTHER")),
            number("http.response.status_code", record.status.into()),
            text("lockstep.request_id", &record.id),
        ];
        root.attributes.extend(route.map(|route| text("http.route", route)));
        root.attributes.extend(record.key.as_deref().map(|key| text("lockstep.key", key)));
        root.attributes.extend(record.error_type.map(|error| text("error.type", error)));
        if record.timing.is_some() {
            root.attributes.push(number("lockstep.tokens", record.tokens));
        }
        root.status = (record.status >= 500).then_some(Status { code: ERROR });
        let own = (1..).zip(&record.stages).map(|(place, stage)| self.child(place, stage));
        std::iter::once(root).chain(own).collect()
    }

    fn child(&self, place: u64, stage: &Stage) -> Span {
        // The first bit of the request's own id is 0, so the ids behind it are no 0 either.
        let id = u64::from_be_bytes(self.span).wrapping_add(place);
        let mut span = self.span(id.to_be_bytes(), self.span.to_vec(), stage.began, stage.ended);
        stage.name.clone_into(&mut span.name);
        span.kind = INTERNAL;
        if let Some(batch) = &stage.batch {
            span.attributes = vec![
                text("lockstep.engine", &batch.engine),
                text("lockstep.engine.kind", if batch.is_card { "card" } else { "cpu" }),
                number("lockstep.texts", batch.texts),
                number("lockstep.tokens", batch.tokens),
            ];
        }
        span
    }

    fn span(&self, id: [u8; 8], parent: Vec<u8>, began: Instant, ended: Instant) -> Span {
        let (trace, id) = (self.trace.to_vec(), id.to_vec());
        Span { trace, id, parent, began: self.time(began), ended: self.time(ended), ..Span::default() }
    }

    /// A moment in nanoseconds since 1970.
    fn time(&self, moment: Instant) -> u64 {
        let (instant, time) = self.began;
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let at = (since + moment.saturating_duration_since(instant))
            .saturating_sub(instant.saturating_duration_since(moment));
        u64::try_from(at.as_nanos()).unwrap_or(u64::MAX)
    }
}
