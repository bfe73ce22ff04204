//! Accepts connections, and shuts the daemon down in order.

use std::{
    convert::Infallible,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{interval, timeout},
};

use crate::{
    budget::Budget,
    config::Config,
    connections::{Connection, Door},
    current::Current,
    error::HostError,
    http,
    live::InForce,
    log,
    metrics::Metrics,
    notify,
    prompt::Prompt,
    shared::Shared,
    stall::Impatient,
    status,
    supervisor::{self, Kept},
    swap::{self, Candidate},
    tls::Tls,
    traces::Exporter,
};

/// Bytes of a connection's read buffer: the limit of a request's head.
const BUFFER: usize = 64 << 10;
/// How often a daemon that starts looks whether it can tell the service manager that it is ready.
const READY_LOOK: Duration = Duration::from_millis(10);
/// How long to wait for the workers after a stop. A worker that compiles does not see the stop.
const STOP: Duration = Duration::from_secs(2);

/// Serves until `shutdown` is done. Then answers the requests under way, for at most
/// [`Config::drain`], and returns.
///
/// The server accepts connections from the start; `/health` tells when the first engine is ready.
///
/// # Errors
///
/// A file that cannot be read, a module that does not compile, or a model that does not open. The
/// failure of a single request is answered, not returned.
pub async fn run(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> Result<(), HostError> {
    let (_never, updates) = watch::channel(config.clone());
    run_with(listener, config, updates, shutdown).await
}

/// [`run`], with new settings from `updates`: [`Config::allow_origins`], [`Config::log`] and
/// [`Config::keys`], whose file is read anew, count for the next request, and [`Config::tls`] for
/// the next connection. A folder in [`Config::model`] with another model is opened, and answers the
/// next requests when it can. The others count after the next start, and the log says so.
///
/// # Errors
///
/// Those of [`run`].
pub async fn run_with(
    listener: TcpListener,
    config: Config,
    mut updates: watch::Receiver<Config>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), HostError> {
    let live = InForce::new(&config)?;
    let open = |files| Tls::open(files, config.max_connections);
    let tls = config.tls.as_ref().map(open).transpose()?.map(Arc::new);
    let kept = Arc::<Kept>::default();
    let (pool, mut ended) =
        supervisor::start(config.clone(), Arc::clone(&kept)).map_err(HostError::Thread)?;
    let current = Arc::new(Current::new(pool));
    let _stop = StopAll(Arc::clone(&current));
    let mut door = Door::new(listener, config.max_connections);
    let status = match &config.status_listen {
        Some(address) => Some(status::listen(address).await?),
        None => None,
    };
    let traces = config.otlp.clone().map(|collector| Exporter::start(collector, config.otlp_share));
    let (tracer, exporter) = traces.unzip();
    let metrics = Metrics::new(&current, tls.as_ref(), exporter.as_ref().map(Exporter::counts));
    let (drain, bodies) = (config.drain, Budget::new(config.max_bodies_bytes));
    let shared =
        Arc::new(Shared { current, config, live, metrics, bodies, tracer, draining: AtomicBool::new(false) });
    // Tells the status until this function returns, also while the requests under way are answered.
    let mut telling = JoinSet::new();
    if let Some(listener) = status {
        telling.spawn(status::serve(listener, Arc::clone(&shared)));
    }
    let (closing, seen) = watch::channel(false);
    let (mut waiting, mut look) = (true, interval(READY_LOOK));
    let mut connections = JoinSet::new();
    let (mut opening, mut retiring) = (JoinSet::new(), JoinSet::new());
    tokio::pin!(shutdown);

    let mut early = None;
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            result = supervisor::end(&mut ended) => {
                early = Some(result);
                break;
            }
            Some(_) = connections.join_next() => {}
            _ = look.tick(), if waiting => {
                if shared.current.now().is_ready() {
                    waiting = false;
                    tell("READY=1");
                }
            }
            Ok(()) = updates.changed() => {
                let new = updates.borrow_and_update().clone();
                shared.live.take(&new, &shared.config);
                if let Some((tls, files)) = tls.as_ref().zip(new.tls.as_ref()) {
                    tls.renew(files);
                }
                next_model(&new, &shared, &kept, &mut opening);
            }
            Some(opened) = opening.join_next() => match opened {
                Ok(Ok(candidate)) => {
                    let pool;
                    (pool, ended) = candidate.take();
                    let old = shared.current.replace(Arc::clone(&pool));
                    log::line(format_args!("the model {} answers now", pool.model_digest()));
                    retiring.spawn(swap::retire(old, pool));
                }
                Ok(Err(error)) => log::line(format_args!("the model stays as it is: {error}")),
                Err(_) => {}
            },
            Some(_) = retiring.join_next() => {}
            (stream, open) = door.next() => {
                let (shared, tls, seen) = (Arc::clone(&shared), tls.clone(), seen.clone());
                connections.spawn(async move {
                    serve(stream, Arc::new(open), tls.as_deref(), &shared, seen).await;
                });
            }
        }
    }

    tell("STOPPING=1");
    shared.draining.store(true, Ordering::Relaxed);
    drop(door);
    let _ = closing.send(true);
    let drained = timeout(drain, async { while connections.join_next().await.is_some() {} });
    if drained.await.is_err() {
        let left = connections.len();
        log::line(format_args!("{left} connections are cut off after {drain:?}"));
        connections.shutdown().await;
    }
    shared.current.now().stop();
    telling.shutdown().await;
    // The last connection is gone, and with it the last trace.
    drop(shared);
    if let Some(exporter) = exporter {
        exporter.flush().await;
    }
    match early {
        Some(result) => result,
        // Workers that are still busy end with the process.
        None => match timeout(STOP, ended).await {
            Ok(Ok(result)) => result,
            _ => Ok(()),
        },
    }
}

/// Tells the service manager a state. A daemon that cannot tell serves all the same.
fn tell(state: &str) {
    if let Err(error) = notify::tell(state) {
        log::line(format_args!("the service manager does not hear {state}: {error}"));
    }
}

/// Begins to open the model of new settings, if it is another one. The model that a later change
/// names takes the place of one that is being opened.
fn next_model(
    new: &Config,
    shared: &Shared,
    kept: &Arc<Kept>,
    opening: &mut JoinSet<Result<Candidate, HostError>>,
) {
    opening.abort_all();
    match swap::is_another(new, &shared.current.now()) {
        Ok(false) => {}
        Ok(true) => {
            log::line(format_args!("opening the model of {}", new.model.display()));
            let config = Config { model: new.model.clone(), ..shared.config.clone() };
            opening.spawn(swap::open(config, Arc::clone(kept)));
        }
        Err(error) => log::line(format_args!("the model stays as it is: {error}")),
    }
}

/// Stops the workers even if `run` is dropped before it is done.
struct StopAll(Arc<Current>);

impl Drop for StopAll {
    fn drop(&mut self) {
        self.0.now().stop();
    }
}

/// Serves one connection until the client leaves, is too slow, must leave, or the daemon closes.
async fn serve(
    stream: TcpStream,
    open: Arc<Connection>,
    tls: Option<&Tls>,
    shared: &Shared,
    mut closing: watch::Receiver<bool>,
) {
    // Each answer is written in one piece, so Nagle's algorithm would only delay it.
    let _ = stream.set_nodelay(true);
    let patience = shared.config.read_timeout;
    let Some(tls) = tls else {
        let stream = Impatient::new(Prompt::new(stream, Arc::clone(&open)), patience);
        return converse(stream, &open, shared, closing).await;
    };
    let encrypted = tokio::select! {
        encrypted = tls.accept(stream, &open, patience) => encrypted,
        () = open.leaves() => None,
        _ = closing.wait_for(|&closing| closing) => None,
    };
    if let Some(encrypted) = encrypted {
        converse(encrypted, &open, shared, closing).await;
    }
}

/// Answers the requests of one connection.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    open: &Connection,
    shared: &Shared,
    mut closing: watch::Receiver<bool>,
) {
    let read_timeout = shared.config.read_timeout;
    let service = service_fn(|request| {
        let busy = open.busy();
        async move {
            let answer = http::answer(request, shared).await;
            drop(busy);
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(read_timeout)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // An error here is the client's: it left, was too slow, or did not speak HTTP.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = open.leaves() => {}
        () = async { drop(closing.wait_for(|&closing| closing).await) } => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
