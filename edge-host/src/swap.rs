//! Another model takes the place of the one that answers, without a request that is lost.
//!
//! The new model is opened beside the old one, which answers meanwhile. If the daemon keeps items,
//! they get their vectors of the new model first. Then the new model answers the next requests, and
//! the old one ends after its last request. A model that does not open changes nothing.

use std::{sync::Arc, time::Duration};

use lockstep_folder::{MANIFEST, manifest::Manifest};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};

use crate::{
    config::Config,
    error::HostError,
    files, filling,
    pool::{Pool, StopOnDrop},
    supervisor::{self, Ended, Kept},
};

/// How often a waiting task looks.
const LOOK: Duration = Duration::from_millis(10);

/// A model that can take the place. It ends if nobody takes it.
pub(crate) struct Candidate {
    pool: Arc<Pool>,
    ended: Ended,
    stop: StopOnDrop,
}

impl Candidate {
    /// The pool, and what tells its end.
    pub(crate) fn take(self) -> (Arc<Pool>, Ended) {
        self.stop.keep();
        (self.pool, self.ended)
    }
}

/// Whether the folder of `config` has another model than the one of `pool`.
///
/// # Errors
/// A manifest that cannot be read.
pub(crate) fn is_another(config: &Config, pool: &Pool) -> Result<bool, HostError> {
    let path = config.model.join(MANIFEST);
    let manifest = Manifest::read(&files::read(&path)?)
        .map_err(|error| HostError::Open(format!("{}: {error}", path.display())))?;
    Ok(manifest.model_digest() != pool.model_digest())
}

/// Opens the model of `config`, and waits until it could answer everything that the old one can.
///
/// # Errors
/// A model that does not open, or not within [`Config::open_deadline`].
pub(crate) async fn open(config: Config, kept: Arc<Kept>) -> Result<Candidate, HostError> {
    let limit = config.open_deadline;
    let (pool, mut ended) = supervisor::start(config, kept).map_err(HostError::Thread)?;
    let stop = StopOnDrop::new(&pool);
    let begin = Instant::now();
    while !pool.is_ready() {
        if begin.elapsed() > limit {
            return Err(HostError::Open(format!("it took longer than {limit:?}")));
        }
        tokio::select! {
            result = supervisor::end(&mut ended) => {
                result?;
                return Err(HostError::Open("the workers ended unexpectedly".into()));
            }
            () = sleep(LOOK) => {}
        }
    }
    // Filling may take hours, and it goes on after failures.
    while !pool.is_filled() && !pool.stopped() {
        sleep(LOOK).await;
    }
    Ok(Candidate { pool, ended, stop })
}

/// Ends a pool after its last request. `new` has taken its place; the items that came with these
/// requests get their vectors there.
pub(crate) async fn retire(old: Arc<Pool>, new: Arc<Pool>) {
    let stop = StopOnDrop::new(&old);
    while old.is_in_use() {
        sleep(LOOK).await;
    }
    drop(stop);
    // The thread ends when the pool is stopped, so nobody needs to wait for it.
    drop(spawn_blocking(move || filling::run(&new)));
}
