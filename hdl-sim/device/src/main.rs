//! `lockstep-card SOCKET...`: cards as a device process. A driver connects to a socket by
//! vfio-user; QEMU connects by the option
//! `-device '{"driver":"vfio-user-pci","socket":{"type":"unix","path":"SOCKET"}}'`.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::time::Duration;

use clap::Parser;
use lockstep_accel_device::{
    CardSetup, Error, Fault, Faults, MockSetup, ServedCard, SimulationSetup, Stopper, Trace,
};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Serves the accelerator as a PCI card behind each vfio-user socket, for one client at a time.
#[derive(Debug, Parser, PartialEq, Eq)]
#[command(version)]
struct Arguments {
    /// Paths of the Unix sockets to listen at. Each has a card of its own.
    #[arg(required = true, value_name = "SOCKET")]
    sockets: Vec<PathBuf>,
    /// Rows and columns of the array: 8, 16, 32 or 64.
    #[arg(long, default_value_t = 8, value_parser = lanes)]
    lanes: usize,
    /// Card memory in MiB, 1 to 1024. The RTL reports 1024 MiB whatever this says, so its driver
    /// fails where the memory ends.
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u16).range(1..=1024))]
    mib: u16,
    /// Answers with the functional model of the engine instead of its RTL: thousands of times
    /// faster, without cycles.
    #[arg(long)]
    mock: bool,
    /// Faults that the card plays: FAULT@JOB, separated by commas, jobs counted from 1. The faults
    /// are lost-interrupt, late-interrupt, duplicate-interrupt, all-ones, garbled-record,
    /// late-record, dma-error, wrong-result, death, and with --mock hang.
    #[arg(long, value_name = "LIST", default_value = "", hide_default_value = true, value_parser = faults)]
    fault: Faults,
    /// Compares each result of the RTL with the functional model. A difference is printed, and the
    /// process ends with the exit code 1.
    #[arg(long, conflicts_with = "mock")]
    check: bool,
    /// Writes the waveform of one job of the RTL to an FST file. Takes one socket, and a build of
    /// the design of its own.
    #[arg(long, value_name = "FILE", conflicts_with = "mock")]
    trace: Option<PathBuf>,
    /// The job of --trace, counted from 1.
    #[arg(long, value_name = "JOB", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    trace_job: u64,
}

/// How long the cards may take to end.
const ENDING: Duration = Duration::from_secs(5);

/// What wakes the main thread.
enum Event {
    /// A card has ended.
    Ended(Result<(), Error>),
    /// SIGINT or SIGTERM.
    Signal,
}

impl Arguments {
    /// What no single option can tell.
    fn check(&self) -> Result<(), String> {
        if !self.mock && self.fault.have(Fault::Hang) {
            return Err("the fault hang needs --mock: the RTL ends every job that is aborted".into());
        }
        if let Some(file) = &self.trace {
            if self.sockets.len() > 1 {
                return Err("--trace takes one socket: several cards would write one file".into());
            }
            let failed = |why| format!("{} cannot be written: {why}", file.display());
            std::fs::File::create(file).map_err(failed)?;
        }
        Ok(())
    }

    fn setup(&self) -> CardSetup {
        let (lanes, card_bytes) = (self.lanes, usize::from(self.mib) << 20);
        match self.mock {
            true => MockSetup { lanes, card_bytes, faults: self.fault.clone() }.into(),
            false => {
                let setup = SimulationSetup::of_engine(lanes, card_bytes);
                let setup = SimulationSetup { check: self.check, faults: self.fault.clone(), ..setup };
                match &self.trace {
                    Some(file) => setup.traced(Trace { file: file.clone(), job: self.trace_job }).into(),
                    None => setup.into(),
                }
            }
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Err(why) = arguments.check() {
        eprintln!("lockstep-card: {why}");
        return ExitCode::from(2);
    }
    match serve(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lockstep-card: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves all sockets until a signal comes or a card ends. Then the other cards end as well; the
/// first error is the process's.
fn serve(arguments: &Arguments) -> Result<(), Error> {
    let (events, receiver) = channel();
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let signalled = events.clone();
    std::thread::spawn(move || {
        for _ in &mut signals {
            let _ = signalled.send(Event::Signal);
        }
    });
    let mut stoppers = Vec::new();
    for socket in &arguments.sockets {
        let card = ServedCard::start(socket, arguments.setup())?;
        stoppers.push(card.stopper()?);
        let lanes = arguments.lanes;
        let wait = match arguments.mock {
            true => String::new(),
            false => format!("; the first client waits until the {lanes}x{lanes} design is built"),
        };
        eprintln!("listening at {}{wait}", socket.display());
        let events = events.clone();
        std::thread::spawn(move || events.send(Event::Ended(card.wait())));
    }
    let mut result = Ok(());
    let mut left = stoppers.len();
    // This thread has a sender itself, so that there is always an event to come.
    let mut next = receiver.recv().ok();
    while let Some(event) = next.take() {
        if let Event::Ended(ended) = event {
            left -= 1;
            result = result.and(ended);
        }
        stoppers.iter().for_each(Stopper::stop);
        if left > 0 {
            // A card whose design is being built does not end soon: it ends with the process.
            next = receiver.recv_timeout(ENDING).ok();
        }
    }
    result
}

fn faults(text: &str) -> Result<Faults, String> {
    if text.is_empty() { Ok(Faults::default()) } else { text.parse() }
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
        let arguments = |sockets: &[&str], lanes, mib, mock| Arguments {
            sockets: sockets.iter().map(PathBuf::from).collect(),
            lanes,
            mib,
            mock,
            fault: Faults::default(),
            check: false,
            trace: None,
            trace_job: 1,
        };
        assert_eq!(parsed("a.sock").unwrap(), arguments(&["a.sock"], 8, 1024, false));
        let two = "--mock a.sock --lanes 64 --mib 16 b.sock";
        assert_eq!(parsed(two).unwrap(), arguments(&["a.sock", "b.sock"], 64, 16, true));
        for (line, named) in [
            ("", "<SOCKET>"),
            ("a --lanes 12", "'12'"),
            ("a --lanes x", "8, 16, 32 or 64"),
            ("a --mib 0", "'0'"),
            ("a --mib 1025", "1025 is not in 1..=1024"),
            ("a --real", "'--real'"),
            ("a --mock --check", "--check"),
            ("a --trace b --trace-job 0", "'0'"),
            ("a --mock --fault hang", "names no job"),
        ] {
            let message = parsed(line).unwrap_err().to_string();
            assert!(message.contains(named), "{line}: {message}");
        }
        assert!(parsed("a --fault hang@1").unwrap().check().unwrap_err().contains("--mock"));
        assert!(parsed("a b --trace c").unwrap().check().unwrap_err().contains("one socket"));
        assert!(parsed("a --trace /no/c").unwrap().check().unwrap_err().contains("/no/c cannot be written"));
        assert_eq!(parsed("a --mock --fault hang@1").unwrap().check(), Ok(()));
    }
}
