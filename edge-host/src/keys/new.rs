//! Makes a key.

use std::io;

use lockstep_folder::manifest::sha256;

use crate::random;

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
    let random: String = random::bytes::<32>()?.iter().map(|byte| format!("{byte:02x}")).collect();
    let key = format!("{PREFIX}{random}");
    let hash = sha256(key.as_bytes());
    let entry = format!("[[key]]\nname = {name:?}\nsha256 = \"{hash}\"\nscopes = [\"score\"]\n");
    Ok(NewKey { key, entry })
}
