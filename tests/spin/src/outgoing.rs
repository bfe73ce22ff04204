//! Requests of the component to other servers: plain HTTP, to this machine only.

use std::{future::Future, net::IpAddr};

use http_body_util::BodyExt;
use hyper::{Request, Response, client::conn::http1::handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// Sends the requests.
pub(crate) struct Outgoing;

type Ended = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Answer = Result<(Response<WasiBody>, Ended), Error>;

impl WasiHttpHooks for Outgoing {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Ended,
    ) -> Box<dyn Future<Output = Answer> + Send> {
        Box::new(send(request))
    }
}

async fn send(mut request: Request<WasiBody>) -> Answer {
    let authority = request.uri().authority().cloned().ok_or(Error::HttpRequestUriInvalid)?;
    let host: IpAddr = authority.host().parse().map_err(|_| Error::HttpRequestDenied)?;
    if !host.is_loopback() {
        return Err(Error::HttpRequestDenied);
    }
    let address = (host, authority.port_u16().unwrap_or(80));
    let stream = TcpStream::connect(address).await.map_err(Error::Connect)?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
    // The connection lives until the component has read or dropped the answer.
    tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let ended: Ended = Box::new(async { Ok(()) });
    Ok((response.map(|body| body.map_err(Error::from).boxed_unsync()), ended))
}
