//! A certificate of our own, and clients that speak TLS.

use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt, path::Path, sync::Arc, time::Duration};

use lockstep_edge_host::TlsFiles;
use rcgen::{CertificateParams, KeyPair};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore, SupportedProtocolVersion, crypto::ring, pki_types::CertificateDer,
        version::TLS13,
    },
};

use super::Client;

/// Only a hang takes this long.
const HANG: Duration = Duration::from_secs(25);

/// A certificate of its own issuer for `localhost`, and its key.
pub struct Pair {
    pub der: CertificateDer<'static>,
    pub cert: String,
    pub key: KeyPair,
}

impl Pair {
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        Self { der: cert.der().clone(), cert: cert.pem(), key }
    }

    /// Writes both files into a folder.
    pub fn write(&self, folder: &Path) -> TlsFiles {
        let files = TlsFiles { cert: folder.join("cert.pem"), key: folder.join("key.pem") };
        fs::write(&files.cert, &self.cert).unwrap();
        fs::write(&files.key, self.key.serialize_pem()).unwrap();
        fs::set_permissions(&files.key, fs::Permissions::from_mode(0o600)).unwrap();
        files
    }

    /// A client that trusts this certificate alone.
    pub fn trusted(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&str],
    ) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_protocol_versions(versions).unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config).into()
    }

    pub async fn connect(&self, address: SocketAddr) -> std::io::Result<Client<TlsStream<TcpStream>>> {
        connect(&self.trusted(&[&TLS13], &["http/1.1"]), address).await.map(Client::new)
    }
}

pub async fn connect(connector: &TlsConnector, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let shaken = connector.connect("localhost".try_into().unwrap(), stream);
    timeout(HANG, shaken).await.unwrap()
}
