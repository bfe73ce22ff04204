//! A small blocking HTTP client: a connection for each request, or one that is kept.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Longest wait for an answer, on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Sends a request; gives the status, the header block and the body of the answer.
///
/// # Panics
/// If the daemon does not answer in HTTP.
#[must_use]
pub fn request(address: SocketAddr, method: &str, path: &str, body: &[u8]) -> (u16, String, String) {
    request_with(address, method, path, &[], body)
}

/// Sends a request with headers of its own, as [`request`].
///
/// # Panics
/// As [`request`].
#[must_use]
pub fn request_with(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).expect("the daemon listens");
    stream.set_read_timeout(Some(TIMEOUT)).expect("a timeout can be set");
    let length = body.len();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).expect("the daemon reads the head");
    // A daemon that refuses a large body may close before it has read it all.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).expect("UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
    (status, head.to_owned(), body.to_owned())
}

/// Sends JSON by POST; gives the status and the JSON of the answer.
///
/// # Panics
/// As [`request`], and if the answer is not JSON.
#[must_use]
pub fn post(address: SocketAddr, path: &str, body: &Value) -> (u16, Value) {
    let (status, _, body) = request(address, "POST", path, body.to_string().as_bytes());
    (status, serde_json::from_str(&body).expect("JSON"))
}

/// A connection that is kept for many requests.
pub struct Kept(BufReader<TcpStream>);

impl Kept {
    /// Connects to a server.
    ///
    /// # Panics
    /// If nobody listens there.
    #[must_use]
    pub fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("an option can be set");
        stream.set_read_timeout(Some(TIMEOUT)).expect("a timeout can be set");
        Self(BufReader::new(stream))
    }

    /// Sends a request in one write, and reads the whole answer: its status and its body.
    ///
    /// # Panics
    /// If the server does not answer in HTTP with a content-length.
    pub fn ask(&mut self, method: &str, path: &str, body: &[u8]) -> (u16, String) {
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: test\r\ncontent-length: {length}\r\n\r\n");
        let request = [head.as_bytes(), body].concat();
        self.0.get_mut().write_all(&request).expect("the server reads the request");
        let mut line = String::new();
        self.0.read_line(&mut line).expect("an answer");
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let mut length = None;
        while line != "\r\n" {
            line.clear();
            self.0.read_line(&mut line).expect("a header");
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().ok();
            }
        }
        let mut body = vec![0; length.expect("a content-length")];
        self.0.read_exact(&mut body).expect("a body");
        (status, String::from_utf8(body).expect("UTF-8"))
    }
}
