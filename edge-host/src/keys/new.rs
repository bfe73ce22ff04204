//! Makes a key.

use std::io;

use rustix::rand::{GetRandomFlags, getrandom};
use sha2::{Digest, Sha256};

/// The beginning of each key, by which scanners of leaked secrets know it.
const PREFIX: &str = "lsk_";

/// A key, and its entry in the file of keys.
#[derive(Debug)]
pub struct NewKey {
    /// The key itself. Only its owner keeps it.
    pub key: String,
    /// The entry, in TOML.
    pub entry: String,
}

/// Makes a key of 256 random bits with the scope `score`.
///
/// # Errors
/// The system gives no random bytes.
pub fn make(name: &str) -> io::Result<NewKey> {
    let mut bytes = [0; 32];
    let mut filled = 0;
    while filled < bytes.len() {
        filled += getrandom(&mut bytes[filled..], GetRandomFlags::empty())?;
    }
    let key = format!("{PREFIX}{}", hex(&bytes));
    let hash = hex(&Sha256::digest(key.as_bytes()));
    let entry = format!("[[key]]\nname = {name:?}\nsha256 = \"{hash}\"\nscopes = [\"score\"]\n");
    Ok(NewKey { key, entry })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
