//! Starts a daemon in this process, on a free port.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use lockstep_edge_host::{Config, run};
use tokio::sync::oneshot;

use crate::{http::request, places::compiled};

/// Longest wait until a daemon is ready. Even on a busy machine, loading the real model takes less.
const READY: Duration = Duration::from_secs(180);

/// A deadline that no request reaches, even on a busy machine.
const LONG: Duration = Duration::from_secs(120);

/// A running daemon. It stops when it is dropped.
pub struct Daemon {
    /// The address it listens at.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Daemon {
    /// Starts a daemon with one instance of the module, and waits until it is ready.
    ///
    /// # Panics
    /// If it does not become ready.
    #[must_use]
    pub fn start(model: &Path, module: &Path) -> Self {
        Self::with(Config { instances: NonZeroUsize::MIN, deadline: LONG, ..Config::new(model, module) })
    }

    /// Starts a daemon with the native engine on `cores` threads, and waits until it is ready.
    ///
    /// # Panics
    /// If it does not become ready.
    #[must_use]
    pub fn start_native(model: &Path, cores: NonZeroUsize) -> Self {
        Self::with(Config { instances: cores, deadline: LONG, ..Config::native(model) })
    }

    /// Starts a daemon with these settings, but without known vectors, and waits until it is ready.
    ///
    /// # Panics
    /// If it does not become ready.
    #[must_use]
    pub fn with(mut config: Config) -> Self {
        config.cache_dir = Some(compiled());
        // Every text reaches an engine.
        config.vector_bytes = 0;
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                tell.send(listener.local_addr().expect("an address")).expect("the test waits");
                let shutdown = async {
                    let _ = stopped.await;
                };
                run(listener, config, shutdown).await.expect("the daemon runs");
            });
        });
        let address = told.recv_timeout(READY).expect("the daemon listens");
        let daemon = Self { address, stop: Some(stop), thread: Some(thread) };
        let started = Instant::now();
        while request(address, "GET", "/health", b"").0 != 200 {
            assert!(started.elapsed() < READY, "the daemon is not ready after {READY:?}");
            thread::sleep(Duration::from_millis(20));
        }
        daemon
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
