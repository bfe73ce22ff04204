//! The file of keys, in TOML.
//!
//! ```toml
//! [[key]]
//! name = "shop"                 # of letters, digits, `.`, `_` and `-`; in logs and metrics
//! sha256 = "9f86d0…"            # of the key, in hexadecimal
//! scopes = ["score"]            # also "write" and "metrics"
//! requests-per-minute = 600     # no limit without it
//! concurrent = 8                # requests at the same time; no limit without it
//! ```

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Instant,
};

use serde::Deserialize;
use tokio::sync::Semaphore;

use super::{
    bucket::Bucket,
    permit::{Key, Keys},
    scope::Scope,
};

/// Longest name of a key, in bytes.
const NAME: usize = 64;

/// A file of keys that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file is not as it should be.
    #[error("{}: {detail}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the key's name.
        detail: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    key: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Entry {
    name: String,
    sha256: String,
    scopes: Vec<Scope>,
    requests_per_minute: Option<NonZeroU32>,
    concurrent: Option<NonZeroU32>,
}

/// Reads a file of keys. All limits begin anew.
///
/// # Errors
/// A file that cannot be read or is no such file, two keys with one name or one hash, and a hash
/// that is none.
pub fn read(path: &Path) -> Result<Keys, KeyFileError> {
    let text =
        fs::read_to_string(path).map_err(|source| KeyFileError::File { path: path.to_owned(), source })?;
    keys(&text).map_err(|detail| KeyFileError::Content { path: path.to_owned(), detail })
}

pub(super) fn keys(text: &str) -> Result<Keys, String> {
    let File { key } = toml::from_str(text).map_err(|error| error.to_string())?;
    let (mut keys, mut names) = (HashMap::new(), HashSet::new());
    for entry in key {
        let name = entry.name.clone();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.is_empty() || name.len() > NAME || !name.bytes().all(plain) {
            return Err(format!(
                "name {name:?}: expected 1 to {NAME} letters, digits, dots, underscores and hyphens"
            ));
        }
        let hash = hash(&entry.sha256).ok_or_else(|| {
            format!("key {name}: sha256: expected 64 hexadecimal digits, got {:?}", entry.sha256)
        })?;
        if entry.scopes.is_empty() {
            return Err(format!("key {name}: scopes: expected at least one of score, write, metrics"));
        }
        if !names.insert(name.clone()) {
            return Err(format!("two keys have the name {name}"));
        }
        let rate = entry.requests_per_minute;
        let concurrent = entry.concurrent.map(|most| most.get() as usize);
        let key = Key {
            name: name.as_str().into(),
            scopes: entry.scopes,
            rate: rate.map(|rate| Mutex::new(Bucket::new(rate.get(), Instant::now()))),
            concurrent: concurrent.map(|most| Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS)))),
        };
        if let Some(other) = keys.insert(hash, key) {
            return Err(format!("the keys {} and {name} have one sha256", other.name));
        }
    }
    Ok(Keys(keys))
}

/// Reads 64 hexadecimal digits.
fn hash(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    let digits = text.as_bytes();
    if digits.len() != 2 * hash.len() {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
    }
    Some(hash)
}
