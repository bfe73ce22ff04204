//! Accepts connections, and ends in order.

use std::{convert::Infallible, future::Future, io, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{config::Config, error::HostError, http, pool::Pool, stall::Impatient};

/// Bytes of a request's head, and of what is read ahead of a body.
const BUFFER: usize = 64 << 10;
/// Pause after a failed `accept`, which usually means that file descriptors are used up.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// What the workers get to see that they are to stop; one that compiles does not look.
const STOP: Duration = Duration::from_secs(2);

/// Serves until `shutdown` is done; then answers what is under way, for at most
/// [`Config::drain`], and returns.
///
/// Connections are taken from the start; `/health` tells when the first instance is ready.
///
/// # Errors
///
/// A file that cannot be read, a module that does not compile, or a model that the module does
/// not open. Whatever happens to single requests is answered, not returned.
pub async fn run(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> Result<(), HostError> {
    let (pool, mut ended) = Pool::start(config.clone()).map_err(HostError::Thread)?;
    let _stop = StopOnDrop(Arc::clone(&pool));
    let config = Arc::new(config);
    let permits = Arc::new(Semaphore::new(config.max_connections.get()));
    let (closing, seen) = watch::channel(false);
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);

    let mut early = None;
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            result = &mut ended => {
                early = Some(result.unwrap_or_else(|_| {
                    Err(HostError::Open("the workers ended unexpectedly".into()))
                }));
                break;
            }
            Some(_) = connections.join_next() => {}
            accepted = accept(&listener, &permits) => match accepted {
                Ok((stream, permit)) => {
                    let (pool, config, seen) = (Arc::clone(&pool), Arc::clone(&config), seen.clone());
                    connections.spawn(async move {
                        serve(stream, pool, config, seen).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    eprintln!("edge-host: cannot accept a connection: {error}");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }

    drop(listener);
    let _ = closing.send(true);
    let drained = timeout(config.drain, async { while connections.join_next().await.is_some() {} });
    if drained.await.is_err() {
        let left = connections.len();
        eprintln!("edge-host: {left} connections are cut off after {:?}", config.drain);
        connections.shutdown().await;
    }
    pool.stop();
    match early {
        Some(result) => result,
        // What ends late ends with the process.
        None => match timeout(STOP, ended).await {
            Ok(Ok(result)) => result,
            _ => Ok(()),
        },
    }
}

/// Ends the workers also where `run` is dropped before it is done.
struct StopOnDrop(Arc<Pool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// A connection, once there may be one more.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

/// Serves one connection until the client leaves, is too slow, or the daemon closes.
async fn serve(stream: TcpStream, pool: Arc<Pool>, config: Arc<Config>, mut closing: watch::Receiver<bool>) {
    // An answer is written in one piece; waiting to fill a packet would only delay it.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let (pool, config) = (&pool, &config);
        async move { Ok::<_, Infallible>(http::answer(request, pool, config).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(config.read_timeout)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(Impatient::new(stream, config.read_timeout)), service);
    tokio::pin!(connection);
    // Errors here are the client's: it left, was too slow, or spoke no HTTP.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = async { drop(closing.wait_for(|&closing| closing).await) } => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}
