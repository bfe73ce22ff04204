//! A TCP connection that acknowledges bytes as soon as it has read them, and tells the other
//! connections of its listener that it is alive.
//!
//! A client without TCP_NODELAY that sends a request in two writes, its head and its body, holds
//! the second one back until the first one is acknowledged. Linux delays that by 40 ms on a
//! connection that has answered before. Spin's requests to the daemon are of this kind.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use crate::connections::Connection;

/// A TCP connection that acknowledges promptly.
pub(crate) struct Prompt {
    stream: TcpStream,
    connection: Arc<Connection>,
}

impl Prompt {
    pub(crate) fn new(stream: TcpStream, connection: Arc<Connection>) -> Self {
        Self { stream, connection }
    }

    /// Passes on the result of a write.
    fn wrote<T>(&self, write: Poll<T>) -> Poll<T> {
        self.connection.writes(write.is_pending());
        if write.is_ready() {
            self.connection.moved();
        }
        write
    }
}

impl AsyncRead for Prompt {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.connection.moved();
        // The kernel forgets the option when it answers, so each read sets it again.
        #[cfg(target_os = "linux")]
        let _ = self.stream.set_quickack(true);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Prompt {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(write)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let write = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.wrote(write)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::num::NonZeroUsize;

    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::*;
    use crate::connections::Door;

    /// Without the option, the kernel delays acknowledgements after the first answers.
    #[tokio::test]
    async fn a_connection_that_has_answered_still_acknowledges_at_once() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        client.set_nodelay(true).unwrap();
        let (stream, connection) = Door::new(listener, NonZeroUsize::MIN).next().await;
        let mut server = Prompt::new(stream, Arc::new(connection));
        let mut byte = [0];
        for _ in 0..20 {
            client.write_all(b"?").await.unwrap();
            server.read_exact(&mut byte).await.unwrap();
            assert!(server.stream.quickack().unwrap());
            server.write_all(b"!").await.unwrap();
            client.read_exact(&mut byte).await.unwrap();
        }
    }
}
