//! Decides which requests are traced.

use std::{
    sync::Arc,
    time::{Instant, SystemTime},
};

use hyper::HeaderMap;
use tokio::sync::mpsc::Sender;

use super::{
    counts::{Counts, Outcome},
    otlp::Span,
    parent::Parent,
    spans::Trace,
};
use crate::{random, record::Record};

/// Makes the traces of requests.
#[derive(Debug)]
pub(crate) struct Tracer {
    share: f64,
    queue: Sender<Vec<Span>>,
    counts: Arc<Counts>,
}

impl Tracer {
    /// Traces a share of the requests that belong to no trace, from 0 to 1.
    pub(super) fn new(share: f64, queue: Sender<Vec<Span>>, counts: Arc<Counts>) -> Self {
        Self { share, queue, counts }
    }

    /// The trace of a request that came at `arrived`; `None` if it is not traced. The program that
    /// sent the request decides, if it has a trace of its own.
    pub(crate) fn begin(&self, headers: &HeaderMap, arrived: Instant) -> Option<Trace> {
        let parent = Parent::of(headers);
        if parent.as_ref().is_some_and(|parent| !parent.sampled) || (parent.is_none() && self.share <= 0.0) {
            return None;
        }
        // Without random bytes there is no id, and so no trace.
        let [lot, new, more, span]: [u64; 4] = random_numbers()?;
        let now = SystemTime::now();
        let began = (arrived, now.checked_sub(arrived.elapsed()).unwrap_or(now));
        // An id must not be 0; the ids of the stages follow the request's.
        let span = (span >> 1).max(1).to_be_bytes();
        Some(match parent {
            Some(Parent { trace, span: parent, state, .. }) => {
                Trace { trace, span, parent: parent.to_vec(), state, began }
            }
            None if (lot as f64) < self.share * u64::MAX as f64 => {
                let trace = ((u128::from(new) << 64) | u128::from(more)).max(1).to_be_bytes();
                Trace { trace, span, parent: Vec::new(), state: String::new(), began }
            }
            None => return None,
        })
    }

    /// Hands the spans of a request over. Never waits.
    pub(crate) fn finish(&self, trace: &Trace, record: &Record) {
        let spans = trace.spans(record);
        let count = spans.len() as u64;
        if self.queue.try_send(spans).is_err() {
            self.counts.add(Outcome::Dropped, count);
        }
    }
}

fn random_numbers<const N: usize>() -> Option<[u64; N]> {
    let mut numbers = [0; N];
    for number in &mut numbers {
        *number = u64::from_be_bytes(random::bytes().ok()?);
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::sync::mpsc::channel;

    use super::*;

    #[test]
    fn the_parent_decides_and_a_share_of_the_others_is_traced() {
        let (queue, _taken) = channel(1);
        let traced = |share: f64, parent: Option<&str>| {
            let tracer = Tracer::new(share, queue.clone(), Arc::default());
            let mut headers = HeaderMap::new();
            parent.map(|parent| headers.insert("traceparent", parent.parse().unwrap()));
            (0..1000).filter(|_| tracer.begin(&headers, Instant::now()).is_some()).count()
        };
        let [yes, no] = ["01", "00"].map(|flag| format!("00-{}-{}-{flag}", "1".repeat(32), "2".repeat(16)));
        assert_eq!((traced(0.0, Some(&yes)), traced(1.0, Some(&no))), (1000, 0));
        assert_eq!((traced(0.0, None), traced(1.0, None)), (0, 1000));
        // 18 standard deviations.
        assert!((200..=800).contains(&traced(0.5, None)));
    }

    #[test]
    fn spans_without_room_are_counted() {
        let (queue, _taken) = channel(1);
        let tracer = Tracer::new(1.0, queue, Arc::default());
        let trace = tracer.begin(&HeaderMap::new(), Instant::now()).unwrap();
        for _ in 0..3 {
            tracer.finish(&trace, &Record::default());
        }
        assert_eq!(tracer.counts.of(Outcome::Dropped), 2);
    }
}
