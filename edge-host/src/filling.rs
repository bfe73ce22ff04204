//! The thread that gives items of another model their vectors of this one, beside the answers.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{core::front::Front, log, pool::Pool};

/// Items that are encoded together.
const TOGETHER: usize = 16;
/// How often the thread looks whether the daemon has begun or ended.
const LOOK: Duration = Duration::from_millis(20);
/// How long the thread waits after a failure, such as a full queue.
const PAUSE: Duration = Duration::from_secs(1);

/// Fills until no item is left, or until the pool is stopped.
pub(crate) fn run(pool: &Pool) {
    let front = loop {
        match pool.served() {
            Some(served) => break &served.front,
            None if pool.stopped() => return,
            None => sleep(LOOK),
        }
    };
    fill(pool, front);
}

fn fill(pool: &Pool, front: &Front) {
    let (mut after, mut told) = (0, false);
    while !pool.stopped() {
        match front.fill(after, TOGETHER) {
            Ok(None) => return pool.set_filled(),
            Ok(Some(last)) => (after, told) = (last, false),
            Err(problem) => {
                if !told && !pool.stopped() {
                    log::line(format_args!("items wait for their vectors: {problem}"));
                    told = true;
                }
                let failed = Instant::now();
                while failed.elapsed() < PAUSE && !pool.stopped() {
                    sleep(LOOK);
                }
            }
        }
    }
}
