//! A daemon outside of the machine, with the native engine on one core.
#![allow(unreachable_pub)]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use lockstep_accel_vm::{http, requests};

/// How long the daemon may take to start, and to answer.
const LIMIT: Duration = Duration::from_secs(60);

/// A running daemon. It ends with its drop.
pub struct Native {
    daemon: Child,
    address: SocketAddr,
}

impl Native {
    /// Starts the program with a model folder, and waits until it serves.
    pub fn start(program: &Path, model: &Path) -> Self {
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--instances", "1", "--model"]).arg(model);
        let mut daemon = command.stderr(Stdio::piped()).spawn().unwrap();
        let (send, lines) = channel();
        let output = BufReader::new(daemon.stderr.take().unwrap());
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        let begin = Instant::now();
        let address = loop {
            let line = lines.recv_timeout(LIMIT.saturating_sub(begin.elapsed())).unwrap();
            if let Some((_, address)) = line.split_once("listening on http://") {
                break address.parse().unwrap();
            }
        };
        let native = Self { daemon, address };
        while !http::is_ready(native.address, LIMIT) {
            assert!(begin.elapsed() < LIMIT, "the daemon is not ready");
            std::thread::sleep(Duration::from_millis(10));
        }
        native
    }

    /// The answer to [`requests::rank`].
    pub fn rank(&self, candidates: usize) -> String {
        http::post(self.address, &requests::rank(candidates), LIMIT).unwrap().body
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
