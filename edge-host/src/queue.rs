//! The requests that wait for a worker: a bounded queue, first come first served.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::oneshot;

use crate::engine::interface::{Answer, EngineError};

/// The end of a request that a worker took.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) answer: Result<Answer, EngineError>,
    /// When a worker took the request.
    pub(crate) taken: Instant,
    /// When the worker was done.
    pub(crate) done: Instant,
}

/// A waiting request.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
    /// When the client gets a 504; a later answer is of no use.
    pub(crate) deadline: Instant,
    /// The HTTP side closes it when the client leaves or the deadline passes.
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
    /// How many workers wait in `pop`.
    idle: usize,
    closed: bool,
}

impl Queue {
    /// Holds up to `capacity` requests beyond those that idle workers can take at once.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { waiting: Mutex::default(), changed: Condvar::new(), capacity }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request, or gives it back if the queue is full or closed. A full queue first drops
    /// the requests whose clients have left.
    pub(crate) fn push(&self, request: Queued) -> Result<(), Queued> {
        let mut waiting = self.lock();
        let room = self.capacity.saturating_add(waiting.idle);
        if waiting.requests.len() >= room {
            waiting.requests.retain(|request| !request.reply.is_closed());
        }
        if waiting.closed || waiting.requests.len() >= room {
            return Err(request);
        }
        waiting.requests.push_back(request);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for a request whose client is still there. Gives `None` once the queue is closed and
    /// empty.
    pub(crate) fn pop(&self) -> Option<Queued> {
        let mut waiting = self.lock();
        loop {
            while let Some(request) = waiting.requests.pop_front() {
                if !request.reply.is_closed() {
                    return Some(request);
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

    /// Takes no more requests. `pop` still gives out those that wait.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn request(name: &str) -> (Queued, oneshot::Receiver<Outcome>) {
        let (reply, outcome) = oneshot::channel();
        let (method, path) = ("POST".to_owned(), name.to_owned());
        let request = Queued { method, path, body: Vec::new(), deadline: Instant::now(), reply };
        (request, outcome)
    }

    fn next(queue: &Queue) -> Option<String> {
        queue.pop().map(|request| request.path)
    }

    #[test]
    fn requests_leave_in_order_and_a_full_queue_gives_back() {
        let queue = Queue::new(2);
        let (requests, _clients): (Vec<Queued>, Vec<_>) = ["a", "b", "c"].into_iter().map(request).unzip();
        let pushed: Vec<bool> = requests.into_iter().map(|request| queue.push(request).is_ok()).collect();
        assert_eq!(pushed, [true, true, false]);
        assert_eq!(next(&queue).unwrap(), "a");
        assert_eq!(next(&queue).unwrap(), "b");
    }

    #[test]
    fn requests_without_a_client_make_room_and_are_never_given_out() {
        let queue = Queue::new(2);
        let (a, client_a) = request("a");
        let (b, client_b) = request("b");
        let (c, _client_c) = request("c");
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
        let (a, _client_a) = request("a");
        let (b, _client_b) = request("b");
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
