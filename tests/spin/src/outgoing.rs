//! Requests of the component to other servers: plain HTTP, to this machine only. Connections are
//! kept and used again, without TCP_NODELAY, as Spin does it.

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use http_body_util::BodyExt;
use hyper::{
    Request, Response,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// Connections that are kept at most.
const KEPT: usize = 32;

/// A connection, and where it leads.
type Connection = (SocketAddr, SendRequest<WasiBody>);

/// Sends the requests. All clones share the connections.
#[derive(Clone, Default)]
pub(crate) struct Outgoing {
    kept: Arc<Mutex<Vec<Connection>>>,
}

type Ended = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Answer = Result<(Response<WasiBody>, Ended), Error>;

impl WasiHttpHooks for Outgoing {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Ended,
    ) -> Box<dyn Future<Output = Answer> + Send> {
        Box::new(send(self.clone(), request))
    }
}

impl Outgoing {
    /// A connection that has nothing to do, or a new one.
    async fn connection(&self, address: SocketAddr) -> Result<SendRequest<WasiBody>, Error> {
        let idle = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.retain(|(_, connection)| !connection.is_closed());
            let idle = kept.iter().position(|(to, connection)| *to == address && connection.is_ready());
            idle.map(|idle| kept.swap_remove(idle).1)
        };
        if let Some(idle) = idle {
            return Ok(idle);
        }
        let stream = TcpStream::connect(address).await.map_err(Error::Connect)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // The connection ends when neither the pool nor an answer needs it.
        tokio::spawn(connection);
        Ok(sender)
    }

    /// Keeps a connection. It is ready again when its answer has been read.
    fn keep(&self, address: SocketAddr, connection: SendRequest<WasiBody>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push((address, connection));
        }
    }
}

async fn send(outgoing: Outgoing, mut request: Request<WasiBody>) -> Answer {
    let authority = request.uri().authority().cloned().ok_or(Error::HttpRequestUriInvalid)?;
    let host: IpAddr = authority.host().parse().map_err(|_| Error::HttpRequestDenied)?;
    if !host.is_loopback() {
        return Err(Error::HttpRequestDenied);
    }
    let address = (host, authority.port_u16().unwrap_or(80)).into();
    let mut connection = outgoing.connection(address).await?;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
    let response = connection.send_request(request).await?;
    outgoing.keep(address, connection);
    let ended: Ended = Box::new(async { Ok(()) });
    Ok((response.map(|body| body.map_err(Error::from).boxed_unsync()), ended))
}
