//! Clients of a TLS port that do not speak TLS.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// The first byte of a TLS record with a handshake.
const HANDSHAKE: u8 = 22;
/// What a client gets that speaks HTTP without TLS.
const ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\n\
    content-length: 38\r\n\r\nthis port speaks TLS: ask by https://\n";
/// How long, and how much, the daemon reads on, so that the client gets the answer and no reset.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: u64 = 256 << 10;

/// Whether the client begins a handshake; `None` if it leaves without a byte. Takes no byte away.
pub(super) async fn is_tls(stream: &TcpStream) -> io::Result<Option<bool>> {
    let mut first = [0];
    Ok((stream.peek(&mut first).await? > 0).then_some(first[0] == HANDSHAKE))
}

/// Tells a client that it asks by the wrong scheme.
pub(super) async fn refuse(mut stream: TcpStream) {
    let tell = async {
        stream.write_all(ANSWER).await?;
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(LINGER_BYTES), &mut tokio::io::sink()).await
    };
    // A client that does not listen loses nothing.
    let _ = timeout(LINGER, tell).await;
}
