//! Sends spans to the collector, once.

use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request, StatusCode,
    body::Bytes,
    client::conn::http1,
    header::{CONTENT_TYPE, HOST, USER_AGENT},
};
use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::{net::TcpStream, time::timeout};

use super::otlp::Exported;
use crate::collector::Collector;

/// Time for one attempt, from the connection to the answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Most bytes of an answer.
const ANSWER: usize = 64 << 10;

/// Spans that the collector did not take.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// Whether another attempt may help.
    pub(super) again: bool,
    pub(super) detail: String,
}

/// Sends an encoded message. Gives the number of spans that the collector rejected.
pub(super) async fn send(collector: &Collector, message: Bytes) -> Result<u64, Failure> {
    let failed = |detail: String| Failure { again: true, detail };
    match timeout(PATIENCE, exchange(collector, message)).await {
        Ok(Ok((StatusCode::OK, body))) => {
            // A body that cannot be read rejects nothing.
            let partial = Exported::decode(body).unwrap_or_default().partial;
            Ok(partial.map_or(0, |partial| u64::try_from(partial.rejected).unwrap_or(0)))
        }
        Ok(Ok((status, _))) => {
            let again = [429, 502, 503, 504].contains(&status.as_u16());
            Err(Failure { again, detail: format!("it answers {status}") })
        }
        Ok(Err(error)) => Err(failed(error.to_string())),
        Err(_) => Err(failed(format!("no answer within {PATIENCE:?}"))),
    }
}

async fn exchange(
    collector: &Collector,
    message: Bytes,
) -> Result<(StatusCode, Bytes), Box<dyn std::error::Error + Send + Sync>> {
    let Collector { host, port, path } = collector;
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), *port)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(HOST, format!("{host}:{port}"))
        .header(CONTENT_TYPE, "application/x-protobuf")
        .header(USER_AGENT, concat!("lockstep-edge-host/", env!("CARGO_PKG_VERSION")))
        .body(Full::new(message))?;
    let asked = async {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, ANSWER).collect().await?.to_bytes();
        Ok((head.status, body))
    };
    tokio::pin!(connection);
    tokio::pin!(asked);
    tokio::select! {
        answer = &mut asked => answer,
        // The rest of the answer may be there although the connection has ended.
        ended = &mut connection => {
            ended?;
            asked.await
        }
    }
}
