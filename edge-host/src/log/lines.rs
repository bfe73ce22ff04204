//! The lines that wait to be written: a bounded buffer between all threads and the writer.

use std::{
    mem,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The lines that wait.
pub(super) struct Lines {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    /// Bytes that may wait.
    room: usize,
}

struct Waiting {
    text: String,
    /// Lines that came after `text` and found no room.
    lost: u64,
    /// Whether the writer has text that it did not report as done.
    writing: bool,
}

/// Text for the writer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch {
    /// Whole lines.
    pub(super) text: String,
    /// Lines that would have followed.
    pub(super) lost: u64,
}

impl Lines {
    /// Holds up to `room` bytes.
    pub(super) const fn new(room: usize) -> Self {
        let waiting = Waiting { text: String::new(), lost: 0, writing: false };
        Self { waiting: Mutex::new(waiting), changed: Condvar::new(), room }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds whole lines, or counts them as lost if there is no room. Never waits for the writer.
    /// After the first line that is lost all are, until the writer has taken the rest: so the
    /// writer knows where they are missing.
    pub(super) fn add(&self, lines: &str) {
        let mut waiting = self.lock();
        if waiting.lost > 0 || waiting.text.len() + lines.len() > self.room {
            waiting.lost += count(lines.as_bytes());
        } else {
            waiting.text.push_str(lines);
        }
        self.changed.notify_all();
    }

    /// Waits for lines and gives them out. Whoever takes them calls [`Self::done`].
    pub(super) fn take(&self) -> Batch {
        let mut waiting = self.lock();
        while waiting.text.is_empty() && waiting.lost == 0 {
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.writing = true;
        Batch { text: mem::take(&mut waiting.text), lost: mem::take(&mut waiting.lost) }
    }

    /// The lines of the last [`Self::take`] are written or lost.
    pub(super) fn done(&self) {
        self.lock().writing = false;
        self.changed.notify_all();
    }

    /// Waits until no line waits and none is being written, for at most `patience`. Whether this is
    /// so.
    pub(super) fn wait(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut waiting = self.lock();
        while waiting.writing || !waiting.text.is_empty() || waiting.lost > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            waiting = self.changed.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// The ends of lines in a text.
pub(super) fn count(text: &[u8]) -> u64 {
    text.iter().filter(|&&byte| byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(text: &str, lost: u64) -> Batch {
        Batch { text: text.to_owned(), lost }
    }

    #[test]
    fn lines_leave_in_order_and_the_rest_is_counted() {
        let lines = Lines::new(8);
        for line in ["one\n", "two\n", "three\n", "\n", "a\nb\n"] {
            lines.add(line);
        }
        assert_eq!(lines.take(), batch("one\ntwo\n", 4));
        lines.add("\n");
        lines.add("longer than eight bytes\n");
        assert_eq!(lines.take(), batch("\n", 1));
        lines.add("longer than eight bytes\n");
        assert_eq!(lines.take(), batch("", 1), "the count alone is given out, too");
    }

    #[test]
    fn the_wait_ends_when_all_is_done_or_patience_is_out() {
        let lines = Lines::new(8);
        assert!(lines.wait(Duration::ZERO));
        lines.add("one\n");
        assert!(!lines.wait(Duration::from_millis(1)));
        lines.take();
        assert!(!lines.wait(Duration::from_millis(1)), "the line is not written yet");
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| lines.wait(Duration::from_secs(60)));
            lines.done();
            assert!(waiter.join().is_ok_and(|all| all));
        });
    }
}
