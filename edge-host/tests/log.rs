//! The program's log, where nobody reads it.
#![allow(clippy::unwrap_used, missing_docs)]

mod stand_in;

use std::{
    fs::File,
    io::{Read, Write, pipe},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU8, Ordering},
    thread,
    time::{Duration, Instant},
};

use stand_in::{Folder, request};

/// Only a hang takes this long.
const HANG: Duration = Duration::from_secs(60);
/// What the log says of one request is longer than this path.
const PATH: usize = 1000;
/// These requests' lines fill a pipe (64 KiB) and the daemon's own buffer several times.
const MANY: usize = 1500;

/// The program, with `--log`.
struct Program {
    child: Child,
    address: SocketAddr,
    /// Requests that it has answered.
    answered: usize,
    _folder: Folder,
}

impl Program {
    /// Starts the program and waits until it is ready.
    fn start(stderr: impl Into<Stdio>) -> Self {
        // All of 127.0.0.0/8 is this machine, so no two tests need the same address.
        static NUMBER: AtomicU8 = AtomicU8::new(1);
        let [.., high, low] = std::process::id().to_be_bytes();
        let address = SocketAddr::from(([127, high, low, NUMBER.fetch_add(1, Ordering::Relaxed)], 8080));
        let folder = Folder::new();
        let config = folder.furnish("model");
        let child = Command::new(env!("CARGO_BIN_EXE_edge-host"))
            .args(["serve", "--log", "--instances", "1", "--listen", &address.to_string()])
            .arg("--model")
            .arg(&config.model)
            .arg("--module")
            .arg(&config.module)
            .stdin(Stdio::null())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut program = Self { child, address, answered: 0, _folder: folder };
        let started = Instant::now();
        loop {
            assert!(started.elapsed() < HANG, "it is not ready");
            assert!(program.child.try_wait().unwrap().is_none(), "it has ended");
            if TcpStream::connect(address).is_ok() && program.ask("/health", 1) == 200 {
                break program;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends requests over one connection. All have the same status, which is returned.
    fn ask(&mut self, path: &str, times: usize) -> u16 {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(HANG)).unwrap();
        let mut status = None;
        let method = if path == "/health" { "GET" } else { "POST" };
        for number in 0..times {
            stream.write_all(request(method, path, "a").as_bytes()).unwrap();
            let answer = answer(&mut stream);
            let found = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
            let found: u16 = found.unwrap_or_else(|| panic!("request {number}: {answer:?}"));
            assert_eq!(*status.get_or_insert(found), found, "request {number}");
            self.answered += 1;
        }
        status.unwrap()
    }

    fn serves_many(&mut self) {
        let path = format!("/{}", "x".repeat(PATH));
        assert_eq!(self.ask(&path, MANY), 404);
    }

    /// Ends the program by a signal. Its exit code is 0, and it says nothing more.
    fn ends(mut self) -> usize {
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(Command::new("sh").arg("-c").arg(kill).status().unwrap().success());
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert_eq!(status.code(), Some(0));
                break self.answered;
            }
            assert!(started.elapsed() < HANG, "it does not end");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads the head and the body of an answer, or the bytes until the connection ends.
fn answer(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse().unwrap() {
                return text;
            }
        }
        match stream.read(&mut piece) {
            Ok(count) if count > 0 => read.extend_from_slice(&piece[..count]),
            _ => return text,
        }
    }
}

#[test]
fn a_full_disk_costs_the_log_alone() {
    let mut program = Program::start(File::options().write(true).open("/dev/full").unwrap());
    program.serves_many();
    program.ends();
}

#[test]
fn a_reader_that_is_gone_costs_the_log_alone() {
    let (reader, stderr) = pipe().unwrap();
    drop(reader);
    let mut program = Program::start(stderr);
    program.serves_many();
    program.ends();
}

#[test]
fn a_reader_that_stalls_costs_the_log_alone() {
    let (reader, stderr) = pipe().unwrap();
    let mut program = Program::start(stderr);
    program.serves_many();
    program.ends();
    drop(reader);
}

#[test]
fn a_reader_that_comes_back_learns_how_many_lines_are_lost() {
    let (mut reader, stderr) = pipe().unwrap();
    let mut program = Program::start(stderr);
    program.serves_many();
    let text = thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    });
    program.serves_many();
    let answered = program.ends();
    let text = text.join().unwrap();
    assert!(text.ends_with("edge-host: shutting down\n"), "{}", &text[text.len().saturating_sub(2000)..]);

    let (mut logged, mut lost) = (0, 0);
    for line in text.lines() {
        match line.strip_suffix(" lines of this log are lost") {
            Some(count) => lost += count.strip_prefix("edge-host: ").unwrap().parse::<usize>().unwrap(),
            None => {
                assert!(line.starts_with("edge-host: "), "{line}");
                logged += 1;
            }
        }
    }
    assert!(lost > 0 && logged > 2 * MANY / 3, "{logged} and {lost}");
    // Beside the requests: the address at the start, and the shutdown.
    assert_eq!(logged + lost, answered + 2);
}
