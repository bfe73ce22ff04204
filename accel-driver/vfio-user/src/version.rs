//! The first message of each side: its version and its limits.

use serde::{Deserialize, Serialize};

use crate::message::Version;
use crate::{Error, MAX_DATA, MAX_FILES};

/// The version that this crate speaks.
const OURS: Version = Version { major: 0, minor: 1 };

/// Largest size of the JSON text in bytes.
pub(crate) const MAX_JSON: usize = 4096;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Json {
    #[serde(default)]
    capabilities: Capabilities,
}

/// The limits of one side. A limit that is missing in the message has the specification's default.
/// This crate ignores capabilities that it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Capabilities {
    /// Largest number of file descriptors of one message.
    pub(crate) max_msg_fds: usize,
    /// Largest number of bytes of one read or write.
    pub(crate) max_data_xfer_size: usize,
    /// Largest number of maps.
    pub(crate) max_dma_maps: usize,
    /// Page sizes of maps, as a sum of powers of two.
    pub(crate) pgsizes: u64,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self { max_msg_fds: 1, max_data_xfer_size: MAX_DATA, max_dma_maps: 65535, pgsizes: 4096 }
    }
}

impl Capabilities {
    pub(crate) fn ours(max_dma_maps: usize) -> Self {
        Self { max_msg_fds: MAX_FILES, max_dma_maps, ..Self::default() }
    }
}

/// The payload of a proposal, or of a reply to a proposal of minor version `minor`.
pub(crate) fn write(minor: u16, capabilities: Capabilities) -> Vec<u8> {
    let mut bytes = Version { minor: minor.min(OURS.minor), ..OURS }.to_bytes();
    // This cannot fail: JSON can hold every number of the struct.
    bytes.extend(serde_json::to_vec(&Json { capabilities }).unwrap_or_default());
    bytes.push(0);
    bytes
}

/// Parses the payload of the other side: its minor version and its limits.
pub(crate) fn read(payload: &[u8]) -> Result<(u16, Capabilities), Error> {
    let broken = |why: String| Error::Protocol(format!("version: {why}"));
    let (version, json) =
        Version::parse(payload).ok_or_else(|| broken(format!("{} bytes", payload.len())))?;
    if version.major != OURS.major {
        return Err(broken(format!(
            "{}.{} is spoken there, {}.{} here",
            version.major, version.minor, OURS.major, OURS.minor
        )));
    }
    if json.len() > MAX_JSON {
        return Err(broken(format!("{} bytes of capabilities, at most {MAX_JSON} are read", json.len())));
    }
    let json = json.strip_suffix(&[0]).unwrap_or(json);
    let parsed: Json = match json {
        [] => Json::default(),
        _ => serde_json::from_slice(json).map_err(|e| broken(e.to_string()))?,
    };
    Ok((version.minor, parsed.capabilities))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_proposal_is_read_back() {
        let capabilities = Capabilities::ours(100);
        assert_eq!(read(&write(0, capabilities)).unwrap(), (0, capabilities));
        assert_eq!(read(&write(9, capabilities)).unwrap(), (1, capabilities));
    }

    #[test]
    fn what_is_left_out_has_defaults_and_what_is_unknown_is_passed_over() {
        assert_eq!(read(&[0, 0, 1, 0]).unwrap().1, Capabilities::default());
        let json = br#"{"capabilities":{"max_msg_fds":3,"migration":{"pgsize":4096},"write_multiple":true}}"#;
        let payload = [&[0, 0, 0, 0][..], json, &[0]].concat();
        assert_eq!(read(&payload).unwrap().1, Capabilities { max_msg_fds: 3, ..Capabilities::default() });
    }

    #[test]
    fn bad_versions_are_named() {
        let message = |payload: &[u8]| read(payload).unwrap_err().to_string();
        assert_eq!(message(&[0, 0, 1]), "protocol: version: 3 bytes");
        assert_eq!(message(&[1, 0, 2, 0]), "protocol: version: 1.2 is spoken there, 0.1 here");
        assert!(message(b"\0\0\0\0{").starts_with("protocol: version: EOF"));
        assert!(message(&[0; 5000]).contains("4996 bytes"));
    }
}
