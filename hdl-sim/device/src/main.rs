//! usage: `lockstep-card SOCKET [LANES [MIB]]`: a card with an array of LANES by LANES (8) and MIB of card memory (1024), which listens at SOCKET
//! for one client after the other: a driver in user space, or QEMU with
//! `-device '{"driver":"vfio-user-pci","socket":{"type":"unix","path":"SOCKET"}}'`.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;

use lockstep_accel_device::{ServedCard, SimulationSetup};

const USAGE: &str = "usage: lockstep-card SOCKET [LANES [MIB]], LANES 8, 16, 32 or 64, MIB 1 to 1024";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((socket, lanes, mib)) = parse(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let setup = SimulationSetup::of_engine(lanes, mib << 20);
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

/// Socket, lanes, MiB of card memory.
fn parse(arguments: &[String]) -> Option<(PathBuf, usize, usize)> {
    let (socket, rest) = arguments.split_first()?;
    let number = |i: usize, default| rest.get(i).map_or(Some(default), |text| text.parse().ok());
    let (lanes, mib) = (number(0, 8)?, number(1, 1024)?);
    let possible = rest.len() <= 2 && [8, 16, 32, 64].contains(&lanes) && (1..=1024).contains(&mib);
    possible.then(|| (socket.into(), lanes, mib))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Option<(PathBuf, usize, usize)> {
        parse(&line.split_whitespace().map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn arguments_are_read_and_refused() {
        assert_eq!(parsed("a.sock"), Some(("a.sock".into(), 8, 1024)));
        assert_eq!(parsed("a.sock 64 16"), Some(("a.sock".into(), 64, 16)));
        for line in ["", "a 12", "a x", "a 8 0", "a 8 1025", "a 8 1 1"] {
            assert_eq!(parsed(line), None, "{line}");
        }
    }
}
