//! `edge-host check-config`: looks at the files that the settings name.

use crate::{config::Config, engine, error::HostError, keys, tls};

/// Reads the files: the model and the module, the keys, the certificate. Gives notes about them as
/// comments of a TOML file.
///
/// # Errors
/// A file that a daemon with these settings would refuse, and a certificate that has ended.
pub fn check(config: &Config) -> Result<String, HostError> {
    let notes = config.tls.as_ref().map(tls::note).transpose()?.unwrap_or_default();
    config.keys.as_deref().map(keys::read).transpose()?;
    engine::check(config)?;
    Ok(notes.iter().map(|note| format!("# tls-cert: {note}\n")).collect())
}
