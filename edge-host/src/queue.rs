//! Requests that wait for an instance: bounded, first come first served.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::oneshot;

use crate::instance::{Answer, InstanceError};

/// What became of a request.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) answer: Result<Answer, InstanceError>,
    /// When an instance took the request.
    pub(crate) taken: Instant,
    /// When it was done with it.
    pub(crate) done: Instant,
}

/// A request that waits.
#[derive(Debug)]
pub(crate) struct Queued {
    /// For example `POST /v1/rank`.
    pub(crate) method_path: String,
    pub(crate) body: Vec<u8>,
    /// From here on the answer is of no use.
    pub(crate) deadline: Instant,
    /// Closed by the other side when the client leaves or the deadline passes.
    pub(crate) reply: oneshot::Sender<Outcome>,
}

/// The waiting requests.
#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    requests: VecDeque<Queued>,
    /// Workers that stand in `pop` with nothing to do.
    idle: usize,
    closed: bool,
}

impl Queue {
    /// A queue in which `capacity` requests may wait, those not counted that a worker stands ready
    /// for.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { waiting: Mutex::default(), changed: Condvar::new(), capacity }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request, or gives it back where the queue is full or closed. Requests whose clients
    /// have left make room.
    pub(crate) fn push(&self, job: Queued) -> Result<(), Queued> {
        let mut waiting = self.lock();
        let room = self.capacity.saturating_add(waiting.idle);
        if waiting.requests.len() >= room {
            waiting.requests.retain(|job| !job.reply.is_closed());
        }
        if waiting.closed || waiting.requests.len() >= room {
            return Err(job);
        }
        waiting.requests.push_back(job);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for a request whose client is still there. `None` once the queue is closed and empty.
    pub(crate) fn pop(&self) -> Option<Queued> {
        let mut waiting = self.lock();
        loop {
            while let Some(job) = waiting.requests.pop_front() {
                if !job.reply.is_closed() {
                    return Some(job);
                }
            }
            if waiting.closed {
                return None;
            }
            waiting.idle += 1;
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
            waiting.idle -= 1;
        }
    }

    /// Takes no more requests; those that wait are still given out.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn job(name: &str) -> (Queued, oneshot::Receiver<Outcome>) {
        let (reply, outcome) = oneshot::channel();
        let job = Queued { method_path: name.to_owned(), body: Vec::new(), deadline: Instant::now(), reply };
        (job, outcome)
    }

    fn next(queue: &Queue) -> Option<String> {
        queue.pop().map(|job| job.method_path)
    }

    #[test]
    fn requests_leave_in_order_and_a_full_queue_gives_back() {
        let queue = Queue::new(2);
        let (requests, _clients): (Vec<Queued>, Vec<_>) = ["a", "b", "c"].into_iter().map(job).unzip();
        let pushed: Vec<bool> = requests.into_iter().map(|job| queue.push(job).is_ok()).collect();
        assert_eq!(pushed, [true, true, false]);
        assert_eq!(next(&queue).unwrap(), "a");
        assert_eq!(next(&queue).unwrap(), "b");
    }

    #[test]
    fn requests_without_a_client_make_room_and_are_never_given_out() {
        let queue = Queue::new(2);
        let (a, client_a) = job("a");
        let (b, client_b) = job("b");
        let (c, _client_c) = job("c");
        queue.push(a).unwrap();
        queue.push(b).unwrap();
        drop(client_a);
        queue.push(c).unwrap();
        drop(client_b);
        assert_eq!(next(&queue).unwrap(), "c");
    }

    #[test]
    fn a_closed_queue_gives_out_what_it_has() {
        let queue = Queue::new(2);
        let (a, _client_a) = job("a");
        let (b, _client_b) = job("b");
        queue.push(a).unwrap();
        queue.close();
        assert!(queue.push(b).is_err());
        assert_eq!(next(&queue).unwrap(), "a");
        assert!(queue.pop().is_none());
    }

    #[test]
    fn close_wakes_those_who_wait() {
        let queue = Queue::new(1);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| queue.pop().is_none());
            queue.close();
            assert!(waiter.join().unwrap());
        });
    }
}
