//! The daemon, run by a user without privileges.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use lockstep_accel_vm::Result;
use lockstep_accel_vm::http::{self, Answer};
use lockstep_accel_vm::requests::Request;
use rustix::process::{Pid, Signal, kill_process};

use crate::wait::until;

/// The user. It has no capability.
pub(crate) const USER: u32 = 1000;
/// The kernel's limit of locked memory for every process, in bytes.
const MEMLOCK: u64 = 8 << 20;
/// Where the daemon listens.
const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);
/// The daemon's lines for standard error.
const LOG: &str = "/daemon.log";

/// A running daemon.
pub(crate) struct Daemon {
    child: Child,
    /// How long a request may take.
    limit: Duration,
}

/// A program of this machine, to be run by the user.
pub(crate) fn as_user(program: &str) -> Command {
    let mut command = Command::new(program);
    command.uid(USER).gid(USER);
    command
}

impl Daemon {
    /// Starts the daemon on one core, with a card if there is an address, and waits until it
    /// serves.
    pub(crate) fn start(card: Option<&str>, limit: Duration) -> Result<Self> {
        let mut command = as_user("/bin/edge-host");
        command.args(["serve", "--model", "/model", "--instances", "1", "--vector-mib", "0"]);
        command.args(["--listen", &ADDRESS.to_string(), "--deadline-ms", &limit.as_millis().to_string()]);
        if let Some(card) = card {
            command.args(["--accel", card, "--prefer-cards"]);
        }
        let daemon = Self { child: command.stderr(File::create(LOG)?).spawn()?, limit };
        until("the daemon serves", || http::is_ready(ADDRESS, limit))?;
        daemon.has_no_privileges()?;
        Ok(daemon)
    }

    /// Checks what the system grants to the daemon.
    fn has_no_privileges(&self) -> Result<()> {
        let file = |name| fs::read_to_string(format!("/proc/{}/{name}", self.child.id()));
        let (status, limits) = (file("status")?, file("limits")?);
        let words = |text: &str, line: &str| -> Vec<String> {
            let found = text.lines().find_map(|found| found.strip_prefix(line)).unwrap_or_default();
            found.split_whitespace().map(String::from).collect()
        };
        let user = USER.to_string();
        let found =
            [words(&status, "Uid:"), words(&status, "CapEff:"), words(&limits, "Max locked memory")].concat();
        let limit = MEMLOCK.to_string();
        let granted = [&user, &user, &user, &user, "0000000000000000", &limit, &limit, "bytes"];
        if found != granted {
            return Err(format!("the daemon has {found:?} instead of {granted:?}").into());
        }
        Ok(())
    }

    /// The answer to a request.
    pub(crate) fn ask(&self, request: &Request) -> Result<Answer> {
        http::post(ADDRESS, request, self.limit)
    }

    /// Asks until the card has encoded all texts of an answer, and returns the answer.
    pub(crate) fn ask_card(&self, request: &Request) -> Result<Answer> {
        let begin = Instant::now();
        loop {
            let answer = self.ask(request)?;
            if !answer.engines.contains("native") {
                return Ok(answer);
            }
            if begin.elapsed() > self.limit {
                return Err(format!("the card does not answer within {:?}", self.limit).into());
            }
        }
    }

    /// What the daemon wrote to standard error.
    pub(crate) fn log() -> String {
        fs::read_to_string(LOG).unwrap_or_default()
    }

    /// Ends the daemon in order.
    pub(crate) fn stop(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        match self.child.wait()? {
            code if code.success() && !Self::log().contains("panicked") => Ok(()),
            code if code.success() => Err("a thread of the daemon panicked".into()),
            code => Err(format!("the daemon ended with {code}").into()),
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
