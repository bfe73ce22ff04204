//! `lockstep-card SOCKET [LANES [MIB]]`: the card as a device process. A driver connects to the
//! socket by vfio-user; QEMU connects by the option
//! `-device '{"driver":"vfio-user-pci","socket":{"type":"unix","path":"SOCKET"}}'`.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use lockstep_accel_device::{ServedCard, SimulationSetup};

/// Simulates the accelerator's RTL as a PCI card behind a vfio-user socket, for one client at a
/// time.
#[derive(Debug, Parser, PartialEq, Eq)]
#[command(version)]
struct Arguments {
    /// Path of the Unix socket to listen at.
    socket: PathBuf,
    /// Rows and columns of the array: 8, 16, 32 or 64.
    #[arg(default_value_t = 8, value_parser = lanes)]
    lanes: usize,
    /// Card memory in MiB, 1 to 1024.
    #[arg(default_value_t = 1024, value_parser = clap::value_parser!(u16).range(1..=1024))]
    mib: u16,
}

fn main() -> ExitCode {
    let Arguments { socket, lanes, mib } = Arguments::parse();
    let setup = SimulationSetup::of_engine(lanes, usize::from(mib) << 20);
    let ended = ServedCard::start(&socket, setup).and_then(|card| {
        eprintln!(
            "listening at {}; the first client waits until the {lanes}x{lanes} design is built",
            socket.display()
        );
        card.wait()
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lockstep-card: {error}");
            ExitCode::FAILURE
        }
    }
}

fn lanes(text: &str) -> Result<usize, String> {
    let lanes = text.parse().ok().filter(|lanes| [8, 16, 32, 64].contains(lanes));
    lanes.ok_or_else(|| "the array has 8, 16, 32 or 64 rows".into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(["lockstep-card"].into_iter().chain(line.split_whitespace()))
    }

    #[test]
    fn arguments_are_read_and_refused() {
        let arguments = |lanes, mib| Arguments { socket: "a.sock".into(), lanes, mib };
        assert_eq!(parsed("a.sock").unwrap(), arguments(8, 1024));
        assert_eq!(parsed("a.sock 64 16").unwrap(), arguments(64, 16));
        for (line, named) in [
            ("", "<SOCKET>"),
            ("a 12", "'12'"),
            ("a x", "8, 16, 32 or 64"),
            ("a 8 0", "'0'"),
            ("a 8 1025", "1025 is not in 1..=1024"),
            ("a 8 1 1", "'1'"),
        ] {
            let message = parsed(line).unwrap_err().to_string();
            assert!(message.contains(named), "{line}: {message}");
        }
    }
}
