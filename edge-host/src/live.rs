//! The settings that a running daemon takes anew, on `SIGHUP`.

use std::sync::{Arc, PoisonError, RwLock};

use crate::{
    config::Config,
    keys::{self, KeyFileError, Keys},
    log,
};

/// The settings of one moment.
#[derive(Debug)]
pub(crate) struct Live {
    /// See [`Config::allow_origins`].
    pub(crate) allow_origins: Vec<String>,
    /// See [`Config::log`].
    pub(crate) log: bool,
    /// Who may ask; `None` if everybody may.
    pub(crate) keys: Option<Keys>,
}

/// The settings in force.
#[derive(Debug)]
pub(crate) struct InForce(RwLock<Arc<Live>>);

impl Live {
    /// Reads the files that the settings name.
    fn read(config: &Config) -> Result<Self, KeyFileError> {
        let keys = config.keys.as_deref().map(keys::read).transpose()?;
        Ok(Self { allow_origins: config.allow_origins.clone(), log: config.log, keys })
    }
}

impl InForce {
    pub(crate) fn new(config: &Config) -> Result<Self, KeyFileError> {
        Live::read(config).map(|live| Self(RwLock::new(Arc::new(live))))
    }

    /// The settings of this moment.
    pub(crate) fn now(&self) -> Arc<Live> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes new settings. `first` are those with which the daemon started; what else differs from
    /// them counts after the next start. A file that is wrong changes nothing. The log tells.
    pub(crate) fn take(&self, new: &Config, first: &Config) {
        match Live::read(new) {
            Ok(live) => {
                *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(live);
                log::line("the settings allow-origin, log and keys are read anew");
            }
            Err(error) => log::line(format_args!("the settings stay as they are: {error}")),
        }
        let live = Config {
            allow_origins: first.allow_origins.clone(),
            log: first.log,
            keys: first.keys.clone(),
            model: first.model.clone(),
            tls: if new.tls.is_some() && first.tls.is_some() { first.tls.clone() } else { new.tls.clone() },
            ..new.clone()
        };
        if live != *first {
            log::line("other settings have changed too; they count after the next start");
        }
    }
}
