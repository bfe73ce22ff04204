//! Serves the component on a TCP socket.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi_http::{
    Error, WasiBody,
    handler::{ProxyHandler, ProxyPre},
};

use crate::{
    engine::Component,
    instances::{Maker, Reuse},
    outgoing::Outgoing,
    store::Store,
    wire::Wire,
};

/// Bytes of the component's standard error that are kept.
const LOG: usize = 1 << 20;

/// Settings of a server.
#[derive(Clone, Default)]
pub struct Settings {
    /// The application's variables.
    pub variables: BTreeMap<String, String>,
    /// A folder whose files the component may read, as `/`.
    pub files: Option<PathBuf>,
    /// The key-value store.
    pub store: Store,
    /// The limits of an instance.
    pub reuse: Reuse,
    /// Whether the server keeps the component's standard error, for [`Server::log`].
    pub keep_log: bool,
}

/// A running server. It stops when it is dropped.
pub struct Server {
    /// The address it listens at.
    pub address: SocketAddr,
    made: Arc<AtomicUsize>,
    writes: Arc<AtomicUsize>,
    log: Option<MemoryOutputPipe>,
    _running: Arc<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Serves a component on a free port of this machine.
    ///
    /// # Errors
    ///
    /// If the component imports an unknown interface, or no port is free.
    pub async fn start(component: &Component, settings: Settings) -> wasmtime::Result<Self> {
        let (made, running) = (Arc::new(AtomicUsize::new(0)), Arc::new(()));
        let log = settings.keep_log.then(|| MemoryOutputPipe::new(LOG));
        let handler = ProxyHandler::new(Maker {
            component: ProxyPre::P3(component.pre()?),
            engine: component.engine.clone(),
            store: settings.store,
            variables: Arc::new(settings.variables),
            files: settings.files,
            outgoing: Outgoing::default(),
            log: log.clone(),
            reuse: settings.reuse,
            made: Arc::clone(&made),
            running: Arc::downgrade(&running),
        });
        let writes = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&writes);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            // The set ends all connections when the server stops.
            let mut connections = JoinSet::new();
            loop {
                let handler = handler.clone();
                tokio::select! {
                    Ok((stream, _)) = listener.accept() => {
                        let wire = TokioIo::new(Wire::new(stream, Arc::clone(&counted)));
                        let service = service_fn(move |request| answer(handler.clone(), request));
                        let connection = http1::Builder::new().serve_connection(wire, service);
                        connections.spawn(async move { drop(connection.await) });
                    }
                    Some(_) = connections.join_next() => {}
                }
            }
        });
        Ok(Self { address, made, writes, log, _running: running, task })
    }

    /// The number of instances made so far.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    /// What the component has written to its standard error.
    #[must_use]
    pub fn log(&self) -> String {
        let log = self.log.as_ref().map(MemoryOutputPipe::contents).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// The number of writes to all connections so far.
    #[must_use]
    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    handler: ProxyHandler<Maker>,
    request: Request<Incoming>,
) -> Result<Response<WasiBody>, Infallible> {
    let request = absolute(request).map(|body| body.map_err(Error::from).boxed_unsync());
    Ok(handler.handle((), request).await.unwrap_or_else(|error| {
        let body = Full::from(format!("{error:#}")).map_err(Error::from).boxed_unsync();
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        response
    }))
}

/// Adds scheme and authority to the address, as a component expects.
fn absolute(mut request: Request<Incoming>) -> Request<Incoming> {
    let host = request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    if let Ok(uri) = format!("http://{host}{path}").parse() {
        *request.uri_mut() = uri;
    }
    request
}
