//! When a certificate chain ends.

use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_cert::{
    Certificate,
    der::{self, DateTime, Decode},
};

/// The earliest end of the certificates of a chain: clients refuse it from then on.
///
/// # Errors
/// A certificate that is none, or an empty chain.
pub(super) fn of(chain: &[CertificateDer<'_>]) -> Result<DateTime, der::Error> {
    let end = |certificate: &CertificateDer<'_>| {
        let certificate = Certificate::from_der(certificate)?;
        Ok(certificate.tbs_certificate().validity().not_after.to_date_time())
    };
    let ends = chain.iter().map(end).collect::<Result<Vec<_>, der::Error>>()?;
    ends.into_iter().min().ok_or_else(|| der::ErrorKind::Failed.into())
}
