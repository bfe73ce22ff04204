//! Serves the component on a TCP socket.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};
use wasmtime::{Config, Engine, component::Linker};
use wasmtime_wasi_http::{
    Error, WasiBody,
    handler::{ProxyHandler, ProxyPre},
    p3::bindings::ServicePre,
};

use crate::{
    host::Host,
    instances::{Maker, Reuse},
    interfaces::{atomics, batch, store, variables},
    store::Store,
};

/// A compiled component.
#[derive(Clone)]
pub struct Component {
    engine: Engine,
    component: wasmtime::component::Component,
}

impl Component {
    /// Compiles a component's file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is no component.
    pub fn from_file(path: &Path) -> wasmtime::Result<Self> {
        let mut config = Config::new();
        config.wasm_component_model_async(true);
        let engine = Engine::new(&config)?;
        let component = wasmtime::component::Component::from_file(&engine, path)?;
        Ok(Self { engine, component })
    }

    fn pre(&self) -> wasmtime::Result<ServicePre<Host>> {
        let mut linker = Linker::<Host>::new(&self.engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
        store::add_to_linker::<_, wasmtime::component::HasSelf<Host>>(&mut linker, |host| host)?;
        atomics::add_to_linker::<_, wasmtime::component::HasSelf<Host>>(&mut linker, |host| host)?;
        batch::add_to_linker::<_, wasmtime::component::HasSelf<Host>>(&mut linker, |host| host)?;
        variables::add_to_linker::<_, wasmtime::component::HasSelf<Host>>(&mut linker, |host| host)?;
        ServicePre::new(linker.instantiate_pre(&self.component)?)
    }
}

/// Settings of a server.
#[derive(Clone, Default)]
pub struct Settings {
    /// The application's variables.
    pub variables: BTreeMap<String, String>,
    /// The key-value store.
    pub store: Store,
    /// The limits of an instance.
    pub reuse: Reuse,
}

/// A running server. It stops when it is dropped.
pub struct Server {
    /// The address it listens at.
    pub address: SocketAddr,
    made: Arc<AtomicUsize>,
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
        let handler = ProxyHandler::new(Maker {
            component: ProxyPre::P3(component.pre()?),
            engine: component.engine.clone(),
            store: settings.store,
            variables: Arc::new(settings.variables),
            reuse: settings.reuse,
            made: Arc::clone(&made),
            running: Arc::downgrade(&running),
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            // The set ends all connections when the server stops.
            let mut connections = JoinSet::new();
            loop {
                let handler = handler.clone();
                tokio::select! {
                    Ok((stream, _)) = listener.accept() => {
                        let _ = stream.set_nodelay(true);
                        let service = service_fn(move |request| answer(handler.clone(), request));
                        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                        connections.spawn(async move { drop(connection.await) });
                    }
                    Some(_) = connections.join_next() => {}
                }
            }
        });
        Ok(Self { address, made, _running: running, task })
    }

    /// The number of instances made so far.
    #[must_use]
    pub fn instances(&self) -> usize {
        self.made.load(Ordering::SeqCst)
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
