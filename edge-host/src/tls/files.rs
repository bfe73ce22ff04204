//! Reads a certificate chain and its private key from PEM files.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio_rustls::rustls::{
    Error, InconsistentKeys,
    crypto::CryptoProvider,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    sign::CertifiedKey,
};
use x509_cert::der::DateTime;

use super::expiry;
use crate::config::TlsFiles;

/// Largest file, in bytes: a chain of many certificates has some ten thousand.
const LARGEST: u64 = 1 << 20;
/// The permission of everybody to read a file.
const READ_BY_OTHERS: u32 = 0o004;

/// A certificate that the daemon cannot serve with.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A file is not as it should be.
    #[error("{}: {detail}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The key belongs to another certificate.
    #[error("the key in {} is not the key of the first certificate in {}", key.display(), cert.display())]
    Strangers {
        /// The file of the certificate.
        cert: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The certificate is of no use any more.
    #[error("{}: the certificate ended at {end}", cert.display())]
    Ended {
        /// The file of the certificate.
        cert: PathBuf,
        /// The end, as RFC 3339 writes it.
        end: String,
    },
}

/// A certificate and its key, which fit.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) key: Arc<CertifiedKey>,
    /// When the first certificate of the chain ends.
    pub(super) end: DateTime,
    /// Whether every user of the machine may read the key.
    pub(super) readable: bool,
}

/// Reads a pair.
///
/// # Errors
/// A file that cannot be read, has no certificate or no key, or a key that is of another kind or
/// belongs to another certificate.
pub(super) fn read(files: &TlsFiles, provider: &CryptoProvider) -> Result<Pair, TlsError> {
    let TlsFiles { cert, key } = files;
    let chain = chain(cert, &bytes(cert)?)?;
    let end = expiry::of(&chain).map_err(|error| wrong(cert, format!("no certificate: {error}")))?;
    let private = private(key, &bytes(key)?)?;
    let mode = fs::metadata(key).map_err(|source| TlsError::File { path: key.clone(), source })?.mode();
    let certified = CertifiedKey::from_der(chain, private, provider).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            TlsError::Strangers { cert: cert.clone(), key: key.clone() }
        }
        Error::InvalidCertificate(error) => wrong(cert, format!("no certificate for a server: {error}")),
        other => wrong(key, format!("no key for TLS: {other}")),
    })?;
    Ok(Pair { key: Arc::new(certified), end, readable: mode & READ_BY_OTHERS != 0 })
}

fn wrong(path: &Path, detail: impl Into<String>) -> TlsError {
    TlsError::Content { path: path.to_owned(), detail: detail.into() }
}

fn bytes(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |source| TlsError::File { path: path.to_owned(), source };
    let size = fs::metadata(path).map_err(failed)?.len();
    if size > LARGEST {
        return Err(wrong(path, format!("{size} bytes are too many for a PEM file; at most {LARGEST}")));
    }
    fs::read(path).map_err(failed)
}

fn chain(path: &Path, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    let chain = chain.map_err(|error| damaged(path, &error))?;
    if chain.is_empty() {
        return Err(wrong(path, "no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----"));
    }
    Ok(chain)
}

fn private(path: &Path, bytes: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_slice(bytes).map_err(|error| match error {
        pem::Error::NoItemsFound if String::from_utf8_lossy(bytes).contains("BEGIN ENCRYPTED") => {
            wrong(path, "the key is encrypted; `openssl pkey -in FILE -out PLAIN` decrypts it")
        }
        pem::Error::NoItemsFound => wrong(path, "no private key in PEM: PKCS #8, SEC 1 or PKCS #1"),
        error => damaged(path, &error),
    })
}

/// The message never shows bytes of the file, which may be a key's.
fn damaged(path: &Path, error: &pem::Error) -> TlsError {
    let detail = match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no END line",
        pem::Error::IllegalSectionStart { .. } => "a BEGIN line is damaged",
        pem::Error::Base64Decode(_) => "a section is not base64",
        _ => "no PEM file",
    };
    wrong(path, detail)
}
