//! Makes instances of the component and limits how long each is used.

use std::{
    collections::BTreeMap,
    future::Future,
    path::PathBuf,
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::time::{Sleep, sleep_until};
use wasmtime::{Store as WasmStore, StoreContextMut, component::GuestTaskId};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi_http::{
    WasiHttpView,
    handler::{HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus},
};

use crate::{engine::store_of, host::Host, outgoing::Outgoing, store::Store};

/// Limits of an instance. Spin has options of the same names.
#[derive(Clone, Copy, Debug)]
pub struct Reuse {
    /// The requests that an instance answers before it is dropped, at least 1.
    pub max_instance_reuse_count: usize,
    /// The requests that an instance answers at the same time, at least 1.
    pub max_instance_concurrent_reuse_count: usize,
    /// An instance without a request for this long is dropped.
    pub idle_instance_timeout: Duration,
    /// A request that takes longer fails, and its instance is dropped.
    pub request_timeout: Duration,
}

impl Default for Reuse {
    fn default() -> Self {
        Self {
            max_instance_reuse_count: 128,
            max_instance_concurrent_reuse_count: 16,
            idle_instance_timeout: Duration::from_secs(1),
            request_timeout: Duration::from_secs(30),
        }
    }
}

/// Makes instances.
pub(crate) struct Maker {
    pub(crate) component: ProxyPre<Host>,
    pub(crate) engine: wasmtime::Engine,
    pub(crate) store: Store,
    pub(crate) variables: Arc<BTreeMap<String, String>>,
    pub(crate) files: Option<PathBuf>,
    pub(crate) outgoing: Outgoing,
    pub(crate) log: Option<MemoryOutputPipe>,
    pub(crate) reuse: Reuse,
    /// The number of instances made so far.
    pub(crate) made: Arc<AtomicUsize>,
    /// The server holds the other end while it runs.
    pub(crate) running: Weak<()>,
}

impl HandlerState for Maker {
    type StoreData = Host;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Host, Expiration, Worker>> {
        let (store, variables) = (self.store.clone(), Arc::clone(&self.variables));
        let (outgoing, log) = (self.outgoing.clone(), self.log.clone());
        let host = Host::new(store, variables, outgoing, log, self.files.as_deref())?;
        let mut store = store_of(&self.engine, host);
        let proxy = self.component.instantiate_async(&mut store).await?;
        self.made.fetch_add(1, Ordering::SeqCst);
        Ok(Instance {
            store,
            proxy,
            view: Host::http,
            expiration: Expiration { reuse: self.reuse, timer: Box::pin(sleep_until(Instant::now().into())) },
            state: Worker { reuse: self.reuse, running: self.running.clone() },
        })
    }
}

/// Decides when an instance is dropped.
pub(crate) struct Expiration {
    reuse: Reuse,
    timer: Pin<Box<Sleep>>,
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        let limit = match status {
            WorkerStatus::Idle => self.reuse.idle_instance_timeout,
            WorkerStatus::Requests | WorkerStatus::PostReturn => self.reuse.request_timeout,
        };
        let end = (start + limit).into();
        if self.timer.deadline() != end {
            self.timer.as_mut().reset(end);
        }
        self.timer.as_mut().poll(cx)
    }
}

/// Decides whether an instance takes another request.
pub(crate) struct Worker {
    reuse: Reuse,
    running: Weak<()>,
}

impl WorkerState for Worker {
    type StoreData = Host;
    type RequestData = ();

    fn should_accept_request(&self, now: usize, ever: usize) -> ShouldAccept {
        if ever >= self.reuse.max_instance_reuse_count {
            ShouldAccept::Never
        } else if now >= self.reuse.max_instance_concurrent_reuse_count {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Host>,
        (): (),
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        Box::pin(tokio::time::sleep(self.reuse.request_timeout))
    }

    fn drop(&self, _: WasmStore<Host>, result: wasmtime::Result<()>) {
        // When the server ends, its runtime may end, too; errors of its instances mean nothing
        // then.
        if let Err(error) = result
            && self.running.strong_count() > 0
        {
            eprintln!("spin host: an instance ended: {error:#}");
        }
    }
}
