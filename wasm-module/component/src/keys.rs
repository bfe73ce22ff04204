//! Keys of the key-value store that every store behind Spin takes.
//!
//! Azure Cosmos DB refuses `/`, `\`, `?` and `#` in a key, and more than 1,023 bytes. Redis,
//! DynamoDB and SQLite take all keys that it takes.

use std::fmt::Write;

/// The key of a record: its kind, a point, and its id. Letters, digits, `-`, `_` and `.` of the id
/// stand for themselves; each other byte is `~` and two hexadecimal digits, so that different ids
/// have different keys. An id of 256 bytes gives at most 768.
pub(crate) fn key(kind: &str, id: &str) -> String {
    let mut key = format!("{kind}.");
    for &byte in id.as_bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' | b'.' => key.push(byte.into()),
            // Writing to a String cannot fail.
            _ => drop(write!(key, "~{byte:02x}")),
        }
    }
    key
}
