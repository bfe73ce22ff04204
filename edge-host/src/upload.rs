//! The body of a request: read within bounds, and discarded within bounds after a refusal.
//!
//! A client that still sends when the daemon closes the connection gets a reset, which also takes
//! the refusal from it. So the daemon goes on reading for a while, as RFC 9112 (9.6) advises.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::{
    HeaderMap,
    body::{Body, Incoming},
    header::EXPECT,
};
use lockstep_rank::Problem;
use tokio::time::timeout;

use crate::budget::Share;

/// How long the daemon discards the rest of a body, and how many bytes of it.
const LINGER: Duration = Duration::from_secs(10);
const LINGER_BYTES: u64 = 256 << 20;

/// A body that may not have been read.
pub(crate) struct Upload {
    body: Incoming,
    /// Whether the client waits for the word to send the body.
    waits: bool,
    /// Whether the client was too slow already.
    slow: bool,
}

impl Upload {
    /// The body of a request with these headers.
    pub(crate) fn new(headers: &HeaderMap, body: Incoming) -> Self {
        Self { body, waits: headers.contains_key(EXPECT), slow: false }
    }

    /// Reads a body of at most `limit` bytes within `patience`, in the memory of `share`. A body
    /// whose announced length is too large is refused before it is read.
    pub(crate) async fn read(
        &mut self,
        limit: usize,
        patience: Duration,
        share: &mut Share,
    ) -> Result<Vec<u8>, Problem> {
        let announced = self.body.size_hint().lower();
        if announced > limit as u64 {
            return Err(Problem::BodyTooLarge { sent: announced.to_string(), limit });
        }
        share.grow(announced as usize)?;
        self.waits = false;
        let mut bytes = Vec::with_capacity(announced as usize);
        let collect = async {
            while let Some(frame) = self.body.frame().await {
                let frame = frame.map_err(|error| Problem::BodyBroken(error.to_string()))?;
                let Ok(data) = frame.into_data() else { continue };
                if bytes.len() + data.len() > limit {
                    return Err(Problem::BodyTooLarge { sent: format!("more than {limit}"), limit });
                }
                share.grow(bytes.len() + data.len())?;
                bytes.extend_from_slice(&data);
            }
            Ok(())
        };
        match timeout(patience, collect).await {
            Ok(read) => read.map(|()| bytes),
            Err(_) => {
                self.slow = true;
                Err(Problem::BodyTooSlow(patience))
            }
        }
    }

    /// Discards the rest of the body in the background, so that the client can read the answer.
    pub(crate) fn linger(self) {
        if self.body.is_end_stream() || self.waits || self.slow {
            return;
        }
        let mut body = self.body;
        tokio::spawn(async move {
            let mut left = LINGER_BYTES;
            let discard = async {
                while let Some(Ok(frame)) = body.frame().await {
                    let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
                    match left.checked_sub(bytes) {
                        Some(rest) => left = rest,
                        None => break,
                    }
                }
            };
            let _ = timeout(LINGER, discard).await;
        });
    }
}
