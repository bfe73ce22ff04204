//! Prepares the engines, starts the workers, and reports how they ended.

use std::{io, sync::Arc, thread};

use tokio::sync::oneshot;

use crate::{
    config::Config,
    engine::{self, interface::Engines},
    error::HostError,
    pool::Pool,
    worker::{STACK, Worker},
};

/// Receives how the workers ended: without an error after a stop, or the reason why they cannot
/// start.
pub(crate) type Ended = oneshot::Receiver<Result<(), HostError>>;

/// Starts a thread that prepares the engines and runs the workers. Returns at once.
pub(crate) fn start(config: Config) -> io::Result<(Arc<Pool>, Ended)> {
    let pool = Arc::new(Pool::new(config.queue));
    let (report, ended) = oneshot::channel();
    let supervised = Arc::clone(&pool);
    thread::Builder::new().name("edge-pool".into()).spawn(move || {
        let result = supervise(&supervised, &config);
        // This fails if the daemon no longer waits for the workers.
        let _ = report.send(result);
    })?;
    Ok((pool, ended))
}

/// Runs the workers until the pool is stopped, or until a worker cannot make its first engine.
fn supervise(pool: &Pool, config: &Config) -> Result<(), HostError> {
    match engine::prepare(config, pool.stop_flag()) {
        Ok(engines) => run(pool, config, &*engines),
        // The stop is the reason of the error.
        Err(_) if pool.stopped() => Ok(()),
        Err(error) => Err(error),
    }
}

fn run(pool: &Pool, config: &Config, engines: &dyn Engines) -> Result<(), HostError> {
    thread::scope(|scope| {
        let mut workers = Vec::new();
        let mut result = Ok(());
        for number in 0..config.instances.get() {
            let thread = thread::Builder::new().name(format!("edge-{number}")).stack_size(STACK);
            let worker = thread.spawn_scoped(scope, || {
                let result = Worker { pool, engines, config }.work();
                if result.is_err() {
                    pool.stop();
                }
                result
            });
            match worker {
                Ok(worker) => workers.push(worker),
                Err(error) => {
                    pool.stop();
                    result = Err(HostError::Thread(error));
                    break;
                }
            }
        }
        for worker in workers {
            let ended = worker.join().unwrap_or_else(|_| Err(HostError::Open("a worker panicked".into())));
            result = result.and(ended);
        }
        result
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;

    /// If the stop did not end a running module, this test would take all of `open_deadline`.
    #[tokio::test]
    async fn a_stop_ends_a_module_that_runs() {
        let folder = std::env::temp_dir().join(format!("edge-host-pool-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let module = folder.join("module.wasm");
        let wasm = wat::parse_str(include_str!("../tests/stand_in/module.wat")).unwrap();
        std::fs::write(&module, wasm).unwrap();
        for (name, bytes) in [("model.lockstep", "Endless"), ("tokenizer.json", ""), ("lockstep.json", "")] {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
        let config = Config { open_deadline: Duration::from_secs(3600), ..Config::new(&folder, &module) };
        let (pool, ended) = start(config).unwrap();
        // After this pause the module mostly runs; the test is right even if it does not.
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!pool.is_ready());
        pool.stop();
        let ended = tokio::time::timeout(Duration::from_secs(60), ended).await;
        std::fs::remove_dir_all(&folder).unwrap();
        ended.unwrap().unwrap().unwrap();
    }
}
