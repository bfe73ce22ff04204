//! Does the handshakes.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::{CryptoProvider, ring},
    },
    server::TlsStream,
};

use super::{certificate::Certificate, crowd::Crowd, files::TlsError, greeting, outcome::Outcome};
use crate::{config::TlsFiles, connections::Connection, prompt::Prompt, stall::Impatient};

/// Time for a handshake, from the connection to its end, if clients do not have less for a head.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// The part of all connections that may be in a handshake.
const PART: usize = 4;

/// A connection that speaks TLS.
pub(crate) type Encrypted = TlsStream<Impatient<Prompt>>;

/// TLS, as the daemon speaks it.
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    provider: Arc<CryptoProvider>,
    certificate: Arc<Certificate>,
    crowd: Crowd,
    /// How often each outcome came, in the order of [`Outcome::ALL`].
    outcomes: [AtomicU64; Outcome::ALL.len()],
}

impl Tls {
    /// Reads the certificate and its key. A quarter of `connections` may be in a handshake.
    ///
    /// # Errors
    /// Files that the daemon cannot serve with.
    pub(crate) fn open(files: &TlsFiles, connections: NonZeroUsize) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let certificate = Arc::new(Certificate::open(files, &provider)?);
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Content { path: files.cert.clone(), detail: error.to_string() })?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&certificate) as _);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let (acceptor, crowd) = (Arc::new(config).into(), Crowd::new(connections.get() / PART));
        Ok(Self { acceptor, provider, certificate, crowd, outcomes: Default::default() })
    }

    /// Reads the files anew; see [`Certificate::renew`].
    pub(crate) fn renew(&self, files: &TlsFiles) {
        self.certificate.renew(files, &self.provider);
    }

    /// Does the handshake of a connection, whose writes may wait for `patience` later. `None` if
    /// there is nothing more to do.
    pub(crate) async fn accept(
        &self,
        stream: TcpStream,
        open: &Arc<Connection>,
        patience: Duration,
    ) -> Option<Encrypted> {
        let place = self.crowd.enter();
        let shaken = tokio::select! {
            () = place.lost() => Err(Outcome::Crowded),
            shaken = timeout(HANDSHAKE.min(patience), self.shake(stream, open, patience)) => {
                shaken.unwrap_or(Err(Outcome::Slow))
            }
        };
        let outcome = shaken.as_ref().err().copied().unwrap_or(Outcome::Done);
        self.outcomes[outcome as usize].fetch_add(1, Ordering::Relaxed);
        shaken.ok()
    }

    async fn shake(
        &self,
        stream: TcpStream,
        open: &Arc<Connection>,
        patience: Duration,
    ) -> Result<Encrypted, Outcome> {
        match greeting::is_tls(&stream).await {
            Ok(Some(true)) => {
                let stream = Impatient::new(Prompt::new(stream, Arc::clone(open)), patience);
                self.acceptor.accept(stream).await.map_err(|_| Outcome::Failed)
            }
            Ok(Some(false)) => {
                greeting::refuse(stream).await;
                Err(Outcome::Plain)
            }
            Ok(None) | Err(_) => Err(Outcome::Left),
        }
    }

    /// When the certificate in force ends, in seconds since 1970.
    pub(crate) fn end(&self) -> u64 {
        self.certificate.end()
    }

    /// How often each outcome came.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = (Outcome, u64)> {
        let counts = self.outcomes.iter().map(|count| count.load(Ordering::Relaxed));
        Outcome::ALL.into_iter().zip(counts)
    }
}
