//! The threads that own the instances, or the native engines.
//!
//! Each worker builds an instance, serves from it, and builds another when a call has gone wrong:
//! after a trap or an interruption nothing is known about the state of the old one's memory.

use std::{
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use crate::{
    config::{Backend, Config},
    error::HostError,
    info::Info,
    instance::{Answer, Instance, InstanceError},
    instances::Instances,
    module::{TICK, WASM_STACK},
    native::{self, Native},
    queue::{Outcome, Queue, Queued},
};

/// Pause after a failed attempt to build an instance; it doubles up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A worker's stack: the module's, and room for the host and the compiler's own calls.
const STACK: usize = WASM_STACK + (2 << 20);

/// What workers build their scorers from.
enum Source {
    Native(Arc<Native>),
    Wasm(Instances),
}

/// What a worker answers requests with.
enum Scorer {
    Native(native::Engine),
    Wasm(Box<Instance>),
}

impl Scorer {
    fn handle(&mut self, method_path: &str, body: &[u8], deadline: Instant) -> Result<Answer, InstanceError> {
        match self {
            Self::Native(engine) => engine.handle(method_path, body, deadline),
            Self::Wasm(instance) => instance.handle(method_path, body, deadline),
        }
    }
}

/// The instances, seen from the side of HTTP.
#[derive(Debug)]
pub(crate) struct Pool {
    queue: Queue,
    /// Instances that can serve.
    ready: AtomicUsize,
    /// What the first instance answers to `GET /info`. It holds for all of them.
    info: OnceLock<Info>,
    /// Ends every running call.
    stop: Arc<AtomicBool>,
}

/// What becomes of the pool as a whole: nothing when it was stopped, or why it cannot start.
pub(crate) type Ended = oneshot::Receiver<Result<(), HostError>>;

impl Pool {
    /// Starts reading the model, compiling the module and building the instances, in threads of their own.
    pub(crate) fn start(config: Config) -> io::Result<(Arc<Self>, Ended)> {
        let pool = Arc::new(Self {
            queue: Queue::new(config.queue),
            ready: AtomicUsize::new(0),
            info: OnceLock::new(),
            stop: Arc::default(),
        });
        let (report, ended) = oneshot::channel();
        let supervised = Arc::clone(&pool);
        thread::Builder::new().name("edge-pool".into()).spawn(move || {
            let result = supervised.supervise(&config);
            // Nobody listens any more where the daemon has given up waiting.
            let _ = report.send(result);
        })?;
        Ok((pool, ended))
    }

    /// Whether an instance stands ready at this moment.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed) > 0
    }

    /// The module's answer to `GET /info`, once there has been an instance to give it.
    pub(crate) fn info(&self) -> Option<&Info> {
        self.info.get()
    }

    /// Hands a request to the workers, or back where too many wait.
    pub(crate) fn push(&self, job: Queued) -> Result<(), Queued> {
        self.queue.push(job)
    }

    /// Takes no more requests and ends those under way.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.queue.close();
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Runs the workers until the pool is stopped or one of them cannot build its first instance.
    fn supervise(&self, config: &Config) -> Result<(), HostError> {
        let source = match config.backend {
            Backend::Native => Source::Native(Native::open(config)?),
            Backend::Wasm => match Instances::stoppable(config, Arc::clone(&self.stop)) {
                Ok(instances) => Source::Wasm(instances),
                // Whatever it was, it was ended on purpose.
                Err(_) if self.stopped() => return Ok(()),
                Err(error) => return Err(error),
            },
        };
        thread::scope(|scope| {
            let mut workers = Vec::new();
            let mut result = Ok(());
            for number in 0..config.instances.get() {
                let worker = thread::Builder::new()
                    .name(format!("edge-{number}"))
                    .stack_size(STACK)
                    .spawn_scoped(scope, || {
                        let result = self.work(&source, config);
                        if result.is_err() {
                            self.stop();
                        }
                        result
                    });
                match worker {
                    Ok(worker) => workers.push(worker),
                    Err(error) => {
                        self.stop();
                        result = Err(HostError::Thread(error));
                        break;
                    }
                }
            }
            for worker in workers {
                let ended =
                    worker.join().unwrap_or_else(|_| Err(HostError::Open("a worker panicked".into())));
                result = result.and(ended);
            }
            result
        })
    }

    /// One worker's life. Only the first instance's failure is the daemon's: a model that has
    /// opened once will open again, so later failures are waited out.
    fn work(&self, source: &Source, config: &Config) -> Result<(), HostError> {
        let mut served = false;
        let mut pause = PAUSE;
        while !self.stopped() {
            match self.open(source, config) {
                Ok(mut scorer) => {
                    served = true;
                    pause = PAUSE;
                    self.ready.fetch_add(1, Ordering::Relaxed);
                    let ended = self.serve(&mut scorer, config.deadline);
                    self.ready.fetch_sub(1, Ordering::Relaxed);
                    match ended {
                        None => return Ok(()),
                        Some(InstanceError::Stopped) => {}
                        Some(error) => eprintln!("edge-host: {error}; building a new instance"),
                    }
                }
                Err(InstanceError::Stopped) => {}
                Err(error) if !served => return Err(HostError::Open(error.to_string())),
                Err(error) => {
                    eprintln!("edge-host: no new instance: {error}; trying again");
                    self.wait(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
        Ok(())
    }

    fn open(&self, source: &Source, config: &Config) -> Result<Scorer, InstanceError> {
        let deadline = Instant::now() + config.open_deadline;
        let mut scorer = match source {
            Source::Native(native) => {
                Scorer::Native(native::Engine::new(Arc::clone(native), Arc::clone(&self.stop)))
            }
            Source::Wasm(instances) => Scorer::Wasm(Box::new(instances.open()?)),
        };
        if self.info.get().is_none() {
            let answer = scorer.handle("GET /info", &[], deadline)?;
            if answer.status != 200 {
                let text = format!("it answers {} to GET /info", answer.status);
                return Err(InstanceError::Interface(text));
            }
            // Another worker may have been first; the answers are the same.
            let _ = self.info.set(Info::new(answer.body));
        }
        Ok(scorer)
    }

    /// Serves until a call goes wrong, or until the queue is closed and empty (`None`).
    ///
    /// A call is ended when it has itself taken as long as a request may, not when its
    /// client's time is up: a daemon with too much to do would else lose its instances, and the
    /// time to build new ones, to requests that had little time left when their turn came.
    fn serve(&self, scorer: &mut Scorer, longest: Duration) -> Option<InstanceError> {
        while let Some(job) = self.queue.pop() {
            let taken = Instant::now();
            if taken >= job.deadline {
                // The other side has seen the deadline too and answers by itself.
                continue;
            }
            let answer = scorer.handle(&job.method_path, &job.body, taken + longest);
            let error = answer.as_ref().err().cloned();
            let outcome = Outcome { answer, taken, done: Instant::now() };
            // A client that has left in the meantime misses nothing.
            let _ = job.reply.send(outcome);
            if error.is_some() {
                return error;
            }
        }
        None
    }

    /// Sleeps, but not past a stop.
    fn wait(&self, pause: Duration) {
        let until = Instant::now() + pause;
        while !self.stopped() && Instant::now() < until {
            thread::sleep(TICK);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Had the stop no effect on a running module, this would last for `open_deadline`.
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
        let (pool, ended) = Pool::start(config).unwrap();
        // Long enough for the module to be at it in most runs, and right in all.
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(!pool.is_ready());
        pool.stop();
        let ended = tokio::time::timeout(Duration::from_secs(60), ended).await;
        std::fs::remove_dir_all(&folder).unwrap();
        ended.unwrap().unwrap().unwrap();
    }
}
