//! The address of a card, as an option of a program names it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::transport::{DeviceProcess, KernelVfio, OpenError, Transport};

/// The address of a card: `vfio:0000:04:00.0` for a PCI function that the kernel's VFIO gives to
/// this process, or `vfio-user:PATH` for the socket of a device process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CardAddress {
    /// A PCI function: domain, bus, device and function, in hexadecimal.
    Vfio(String),
    /// The path of a vfio-user socket.
    VfioUser(PathBuf),
}

/// A text that is no address of a card.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no address of a card: {why}; write vfio:0000:04:00.0 or vfio-user:PATH")]
pub struct AddressError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl FromStr for CardAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let refuse = |why| Err(AddressError { text: text.into(), why });
        match text.split_once(':') {
            Some(("vfio", function)) if is_function(function) => Ok(Self::Vfio(function.to_lowercase())),
            Some(("vfio", _)) => refuse("a PCI function has four, two, two and one hexadecimal digits"),
            Some(("vfio-user", "")) => refuse("the path is empty"),
            Some(("vfio-user", path)) => Ok(Self::VfioUser(path.into())),
            _ => refuse("it begins with neither vfio: nor vfio-user:"),
        }
    }
}

/// Whether a text is domain, bus, device and function: `0000:04:00.0`.
fn is_function(text: &str) -> bool {
    let pattern = "xxxx:xx:xx.x";
    let fits = |(byte, place): (u8, u8)| if place == b'x' { byte.is_ascii_hexdigit() } else { byte == place };
    text.len() == pattern.len() && text.bytes().zip(pattern.bytes()).all(fits)
}

impl fmt::Display for CardAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vfio(function) => write!(f, "vfio:{function}"),
            Self::VfioUser(path) => write!(f, "vfio-user:{}", path.display()),
        }
    }
}

impl CardAddress {
    /// Opens the card's transport. A device process has `deadline` to answer this and each later
    /// access; the kernel's VFIO needs no deadline.
    ///
    /// # Errors
    /// [`OpenError`] says which step failed and what to do next.
    pub fn open(&self, deadline: Duration) -> Result<Box<dyn Transport>, OpenError> {
        Ok(match self {
            Self::Vfio(function) => Box::new(KernelVfio::open_function(function)?),
            Self::VfioUser(path) => Box::new(DeviceProcess::connect(path, deadline)?),
        })
    }
}
