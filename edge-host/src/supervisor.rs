//! Prepares the engines, starts the workers, and reports how they ended.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use lockstep_rank::{ItemStore, origin};
use tokio::sync::oneshot;

use crate::{
    config::Config,
    core::{
        front::{Front, FrontSettings},
        scheduler::Scheduler,
    },
    engine::{self, Prepared},
    error::HostError,
    filling,
    info::Info,
    items::Items,
    kept_packs::KeptPacks,
    pool::{Pool, Served},
    worker::{STACK, Worker},
};

/// Receives how the workers ended: without an error after a stop, or the reason why they cannot
/// start.
pub(crate) type Ended = oneshot::Receiver<Result<(), HostError>>;

/// How the workers ended, also if their thread ended without a report.
pub(crate) async fn end(ended: &mut Ended) -> Result<(), HostError> {
    ended.await.unwrap_or_else(|_| Err(HostError::Open("the workers ended unexpectedly".into())))
}

/// The items of the daemon, which all its pools share. The first pool opens them.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<Option<Arc<Items>>>);

impl Kept {
    fn open(&self, config: &Config) -> Result<Option<Arc<Items>>, HostError> {
        let Some(folder) = &config.items else { return Ok(None) };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none() {
            *kept = Some(Arc::new(Items::open(folder, config.deadline, config.instances)?));
        }
        Ok(kept.clone())
    }
}

/// Starts a thread that prepares the engines and runs the workers. Returns at once.
pub(crate) fn start(config: Config, kept: Arc<Kept>) -> io::Result<(Arc<Pool>, Ended)> {
    let pool = Arc::new(Pool::new(config.queue.saturating_add(config.instances.get())));
    let (report, ended) = oneshot::channel();
    let supervised = Arc::clone(&pool);
    thread::Builder::new().name("edge-pool".into()).spawn(move || {
        let result = supervise(&supervised, &config, &kept);
        // The folder of items is free again when the daemon has ended.
        drop((supervised, kept));
        // This fails if the daemon no longer waits for the workers.
        let _ = report.send(result);
    })?;
    Ok((pool, ended))
}

/// Runs the workers until the pool is stopped, or until a worker cannot make its first engine.
fn supervise(pool: &Pool, config: &Config, kept: &Kept) -> Result<(), HostError> {
    let items = kept.open(config)?;
    if items.is_none() {
        pool.set_filled();
    }
    match engine::prepare(config, pool.stop_flag()) {
        Ok(prepared) => run(pool, config, &prepared, items),
        // The stop is the reason of the error.
        Err(_) if pool.stopped() => Ok(()),
        Err(error) => Err(error),
    }
}

fn run(
    pool: &Pool,
    config: &Config,
    Prepared { texts, seats }: &Prepared,
    items: Option<Arc<Items>>,
) -> Result<(), HostError> {
    let plans = seats.iter().map(|(plan, _)| plan.clone()).collect();
    let scheduler = Arc::new(Scheduler::new(plans));
    pool.set_scheduler(Arc::clone(&scheduler));
    let first = |kernel: &str| {
        pool.serve(|| {
            let Config { max_body_bytes, vector_bytes, deadline, .. } = *config;
            let kept = items.clone().map(|items| items as Arc<dyn ItemStore>);
            let settings = FrontSettings { max_body_bytes, vector_bytes, deadline, items: kept };
            let front = Front::new(Arc::clone(texts), kernel, Arc::clone(&scheduler), settings);
            let info = Info::new(&front.info());
            let pack = |items: &Arc<Items>| {
                let (origin, folder) = (origin(front.model())?, config.items.as_deref()?);
                Some(KeptPacks::new(Arc::clone(items), origin, folder))
            };
            let packs = items.as_ref().and_then(pack);
            Served { front, info, packs }
        });
    };
    thread::scope(|scope| {
        let mut workers = Vec::new();
        let mut result = Ok(());
        if items.is_some() {
            let thread = thread::Builder::new().name("filling".into());
            thread.spawn_scoped(scope, || filling::run(pool)).map_err(HostError::Thread)?;
        }
        for (seat, (plan, engines)) in seats.iter().enumerate() {
            let thread = thread::Builder::new().name(format!("edge-{seat}")).stack_size(STACK);
            let (scheduler, first) = (&*scheduler, &first);
            let worker = thread.spawn_scoped(scope, move || {
                let (outputs, limit) = (texts.reader().outputs(), config.deadline);
                let worker = Worker { pool, scheduler, engines: &**engines, seat, plan, outputs, limit };
                let result = worker.work(first);
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

    use lockstep_folder::manifest::sha256;
    use serde_json::json;

    use super::*;

    /// If the stop did not end a running module, this test would take all of `open_deadline`.
    #[tokio::test]
    async fn a_stop_ends_a_module_that_runs() {
        let folder = std::env::temp_dir().join(format!("edge-host-pool-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let module = folder.join("module.wasm");
        let wasm = wat::parse_str(include_str!("../tests/stand_in/module.wat")).unwrap();
        std::fs::write(&module, wasm).unwrap();
        let tokenizer = json!({
            "version": "1.0", "pre_tokenizer": {"type": "BertPreTokenizer"},
            "model": {
                "type": "WordPiece", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]",
                "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
            },
        })
        .to_string();
        let manifest = json!({
            "format": 1, "model_id": "endless", "model_type": "bert", "pooling": "mean",
            "hidden_size": 4, "layers": 1, "max_input_length": 64, "vocabulary": 1, "vector_unit": 1.0,
            "digests": {"tokenizer.json": sha256(tokenizer.as_bytes())},
        })
        .to_string();
        for (name, text) in
            [("model.lockstep", "Endless"), ("tokenizer.json", &tokenizer), ("lockstep.json", &manifest)]
        {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let config = Config { open_deadline: Duration::from_secs(3600), ..Config::new(&folder, &module) };
        let (pool, ended) = start(config, Arc::default()).unwrap();
        // After this pause the module mostly runs; the test is right even if it does not.
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!pool.is_ready());
        pool.stop();
        let ended = tokio::time::timeout(Duration::from_secs(60), ended).await;
        std::fs::remove_dir_all(&folder).unwrap();
        ended.unwrap().unwrap().unwrap();
    }
}
