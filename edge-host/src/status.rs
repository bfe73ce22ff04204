//! Answers that need no engine: health, the description of the model, and metrics. A listener of
//! its own gives them too, so that a busy or attacked daemon still tells its state.

use std::{convert::Infallible, num::NonZeroUsize, sync::Arc, sync::atomic::Ordering, time::Duration};

use hyper::{Method, Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use lockstep_rank::Problem;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::{
    connections::{Connection, Door},
    error::HostError,
    log, metrics,
    response::{Response, json, plain, refusal},
    shared::Shared,
};

/// Connections of the listener at the same time. One more closes the one that is longest still.
const MOST: NonZeroUsize = NonZeroUsize::MIN.saturating_add(63);
/// Time for a client to send a head, and to take its answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Listens for those who ask for the state alone.
///
/// # Errors
///
/// An address that is not free or not one of this machine.
pub(crate) async fn listen(address: &str) -> Result<TcpListener, HostError> {
    let failed = |source| HostError::Listen { address: address.to_owned(), source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    log::line(format_args!("health and metrics on http://{bound}"));
    Ok(listener)
}

/// Answers for ever. Everybody who reaches the listener may ask, without a key.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut door = Door::new(listener, MOST);
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = clients.join_next() => {}
            (stream, open) = door.next() => {
                let shared = Arc::clone(&shared);
                clients.spawn(async move { converse(stream, open, &shared).await });
            }
        }
    }
}

/// Answers the requests of one connection.
async fn converse(stream: TcpStream, open: Connection, shared: &Shared) {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = alone(&request, shared);
        async { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    // An error here is the client's.
    tokio::select! {
        _ = connection => {}
        () = open.leaves() => {}
    }
}

/// The answer to a request on the listener of its own.
fn alone(request: &Request<Incoming>, shared: &Shared) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    let answered = answer(method, path, shared).unwrap_or_else(|| {
        let known = "health, /info and /metrics are all that this address has".to_owned();
        Err(Problem::NotFound { path: path.to_owned(), known })
    });
    answered.unwrap_or_else(|problem| refusal(&problem, path))
}

/// The answer to `GET /health`, its other names, `GET /info` and `GET /metrics`, which the daemon
/// gives without an engine; `None` for every other request.
pub(crate) fn answer(method: &Method, path: &str, shared: &Shared) -> Option<Result<Response, Problem>> {
    if ![Method::GET, Method::HEAD].contains(method) {
        return None;
    }
    let Shared { current, metrics, draining, .. } = shared;
    let pool = current.now();
    let ready = || pool.is_ready() && !draining.load(Ordering::Relaxed);
    match path {
        "/v2/health/live" => Some(Ok(json(200, r#"{"live":true}"#))),
        "/v2/health/ready" if ready() => Some(Ok(json(200, r#"{"ready":true}"#))),
        "/v2/health/ready" => Some(Err(not_ready())),
        "/health" | "/ping" | "/" if ready() => Some(Ok(json(200, r#"{"status":"ok"}"#))),
        "/health" | "/ping" | "/" => Some(Err(not_ready())),
        "/info" => Some(pool.served().map(|served| json(200, served.front.info())).ok_or_else(not_ready)),
        "/metrics" => Some(metrics.text().map(|text| plain(metrics::MEDIA_TYPE, text))),
        _ => None,
    }
}

/// The problem of a daemon without a ready engine.
pub(crate) fn not_ready() -> Problem {
    Problem::Unhealthy("no instance of the module is ready yet".into())
}
