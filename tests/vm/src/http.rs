//! A small client of the daemon. Each request has its own connection.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::Result;
use crate::requests::Request;

/// An answer of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The engines that encoded the texts, by name.
    pub engines: String,
    /// The JSON.
    pub body: String,
}

/// The longest body that the client reads, in bytes.
const MOST: u64 = 16 << 20;

/// Posts a request as work for which nobody waits, and returns its answer.
///
/// # Errors
/// The daemon does not listen, does not answer within `limit`, or refuses the request.
pub fn post(address: SocketAddr, request: &Request, limit: Duration) -> Result<Answer> {
    let Request { path, body } = request;
    let length = body.len();
    exchange(
        address,
        &format!("POST {path} HTTP/1.1\r\nx-lockstep-priority: batch\r\ncontent-length: {length}"),
        body,
        limit,
    )
}

/// Whether the daemon serves.
#[must_use]
pub fn is_ready(address: SocketAddr, limit: Duration) -> bool {
    exchange(address, "GET /health HTTP/1.1", "", limit).is_ok()
}

fn exchange(address: SocketAddr, head: &str, body: &str, limit: Duration) -> Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    stream.write_all(format!("{head}\r\nhost: localhost\r\nconnection: close\r\n\r\n{body}").as_bytes())?;
    let mut answer = String::new();
    stream.take(MOST).read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| format!("no HTTP: {answer}"))?;
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err(format!("{}: {body}", head.lines().next().unwrap_or_default()).into());
    }
    let engines = head.lines().find_map(|line| line.strip_prefix("x-lockstep-engine: ")).unwrap_or_default();
    Ok(Answer { engines: engines.trim().into(), body: body.into() })
}
