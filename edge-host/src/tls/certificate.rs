//! The certificate in force.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

use tokio_rustls::rustls::{
    crypto::{CryptoProvider, ring},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::files::{Pair, TlsError, read};
use crate::{config::TlsFiles, log};

/// The certificate that the next handshake uses.
#[derive(Debug)]
pub(super) struct Certificate(RwLock<Pair>);

impl Certificate {
    /// Reads the files, and warns of what an operator should know.
    pub(super) fn open(files: &TlsFiles, provider: &CryptoProvider) -> Result<Self, TlsError> {
        let pair = read(files, provider)?;
        warn(files, &pair);
        Ok(Self(RwLock::new(pair)))
    }

    /// Reads the files anew. Files that are wrong change nothing.
    pub(super) fn renew(&self, files: &TlsFiles, provider: &CryptoProvider) {
        match read(files, provider) {
            Ok(pair) => {
                warn(files, &pair);
                log::line(format_args!("the certificate is read anew; it ends at {}", pair.end));
                *self.0.write().unwrap_or_else(PoisonError::into_inner) = pair;
            }
            Err(error) => log::line(format_args!("the certificate stays as it is: {error}")),
        }
    }

    /// When the certificate ends, in seconds since 1970.
    pub(super) fn end(&self) -> u64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).end.unix_duration().as_secs()
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).key))
    }
}

/// What to know of a pair: lines for people.
///
/// # Errors
/// Files that the daemon cannot serve with, and a certificate that has ended.
pub(crate) fn note(files: &TlsFiles) -> Result<Vec<String>, TlsError> {
    let pair = read(files, &ring::default_provider())?;
    if ended(&pair) {
        return Err(TlsError::Ended { cert: files.cert.clone(), end: pair.end.to_string() });
    }
    let end = format!("the certificate ends at {}", pair.end);
    Ok(std::iter::once(end).chain(exposed(files, &pair)).collect())
}

/// A daemon with such files serves all the same: a refusal would only add a failure to the fault.
fn warn(files: &TlsFiles, pair: &Pair) {
    exposed(files, pair).into_iter().for_each(log::line);
    if ended(pair) {
        let cert = files.cert.display();
        log::line(format_args!("clients will refuse {cert}: the certificate ended at {}", pair.end));
    }
}

/// A key that others can read. Files that a container mounts are so by default, and nobody else is
/// there; so this is a warning.
fn exposed(files: &TlsFiles, pair: &Pair) -> Option<String> {
    let key = files.key.display();
    pair.readable.then(|| format!("every user of this machine may read the key; chmod o-r {key}"))
}

fn ended(pair: &Pair) -> bool {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|now| pair.end.unix_duration() < now)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    /// Writes a pair whose certificate ends with a year, in a folder of its own.
    fn pair(name: &str, year: i32) -> TlsFiles {
        let folder = std::env::temp_dir().join(format!("edge-host-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_after = date_time_ymd(year, 12, 31);
        let files = TlsFiles { cert: folder.join("cert.pem"), key: folder.join("key.pem") };
        fs::write(&files.cert, params.self_signed(&key).unwrap().pem()).unwrap();
        fs::write(&files.key, key.serialize_pem()).unwrap();
        fs::set_permissions(&files.key, fs::Permissions::from_mode(0o640)).unwrap();
        files
    }

    fn remove(files: &TlsFiles) {
        fs::remove_dir_all(files.cert.parent().unwrap_or(&PathBuf::new())).unwrap();
    }

    #[test]
    fn a_note_tells_the_end_and_who_may_read_the_key() {
        let files = pair("note", 2999);
        assert_eq!(note(&files).unwrap(), ["the certificate ends at 2999-12-31T00:00:00Z"]);
        fs::set_permissions(&files.key, fs::Permissions::from_mode(0o644)).unwrap();
        let notes = note(&files).unwrap();
        assert_eq!(
            notes[1],
            format!("every user of this machine may read the key; chmod o-r {}", files.key.display())
        );
        remove(&files);
    }

    #[test]
    fn a_chain_ends_with_its_first_certificate_to_end() {
        let (long, short) = (pair("long", 2999), pair("short", 2001));
        assert!(
            matches!(note(&short).unwrap_err(), TlsError::Ended { end, .. } if end.starts_with("2001-12-31"))
        );
        let chain = [fs::read(&long.cert).unwrap(), fs::read(&short.cert).unwrap()].concat();
        fs::write(&long.cert, chain).unwrap();
        assert!(
            note(&long).unwrap_err().to_string().contains("the certificate ended at 2001-12-31T00:00:00Z")
        );
        let certificate = Certificate::open(&long, &ring::default_provider()).unwrap();
        assert_eq!(certificate.end(), 1_009_756_800, "a daemon that starts serves all the same");
        remove(&long);
        remove(&short);
    }
}
