//! A daemon with a module of a hundred lines, and a client that sees every byte.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::{
    fs,
    net::SocketAddr,
    num::NonZeroUsize,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use lockstep_edge_host::{Config, HostError, run};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::{sleep, timeout},
};

/// Only a hang takes this long, even on a busy machine. It is shorter than the 30 s after which
/// hyper by default stops waiting for a head.
const HANG: Duration = Duration::from_secs(25);

/// A folder that is deleted when the test ends.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("edge-host-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Writes the stand-in and a model into the folder.
    pub fn furnish(&self, model: &str) -> Config {
        let wasm = wat::parse_str(include_str!("module.wat")).unwrap();
        fs::write(self.0.join("module.wasm"), wasm).unwrap();
        fs::write(self.0.join("model.lockstep"), model).unwrap();
        fs::write(self.0.join("tokenizer.json"), "{}").unwrap();
        fs::write(self.0.join("lockstep.json"), "{}").unwrap();
        Config {
            instances: NonZeroUsize::MIN,
            deadline: HANG,
            read_timeout: HANG,
            // Some tests let the stand-in loop for ever.
            untrusted_module: true,
            ..Config::new(&self.0, self.0.join("module.wasm"))
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A daemon in this process.
pub struct Daemon {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    ended: JoinHandle<Result<(), HostError>>,
    _folder: Folder,
}

impl Daemon {
    /// Starts a daemon with one instance and long deadlines. `set` changes the settings.
    pub async fn start(model: &str, set: impl FnOnce(&mut Config)) -> Self {
        let folder = Folder::new();
        let mut config = folder.furnish(model);
        set(&mut config);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        Self {
            address,
            stop: Some(stop),
            ended: tokio::spawn(run(listener, config, shutdown)),
            _folder: folder,
        }
    }

    /// Starts a daemon and waits until `/health` says that it is ready.
    pub async fn ready(set: impl FnOnce(&mut Config)) -> Self {
        let daemon = Self::start("model", set).await;
        daemon.healthy().await;
        daemon
    }

    pub async fn healthy(&self) {
        while self.ask("GET", "/health", "").await.status != 200 {
            sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn client(&self) -> Client {
        Client { stream: TcpStream::connect(self.address).await.unwrap(), read: Vec::new() }
    }

    /// One request on a connection of its own.
    pub async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let mut client = self.client().await;
        client.send(request(method, path, body)).await;
        client.answer(method != "HEAD").await
    }

    pub async fn post(&self, body: &str) -> Answer {
        self.ask("POST", "/v1/rank", body).await
    }

    /// Stops the daemon, and waits for its end.
    pub async fn stop(mut self) -> Result<(), HostError> {
        self.stop.take().unwrap().send(()).unwrap();
        self.ended().await
    }

    /// Stops the daemon, and does not wait.
    pub fn begin_stop(mut self) -> (SocketAddr, JoinHandle<Result<(), HostError>>, Folder) {
        self.stop.take().unwrap().send(()).unwrap();
        (self.address, self.ended, self._folder)
    }

    pub async fn ended(self) -> Result<(), HostError> {
        timeout(HANG, self.ended).await.unwrap().unwrap()
    }
}

/// One connection.
pub struct Client {
    pub stream: TcpStream,
    read: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// Asserts a refusal's status, its `error_type` and a part of its message.
    #[track_caller]
    pub fn refuses(&self, status: u16, error_type: &str, part: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        let answer: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(answer["error_type"], error_type, "{self:?}");
        assert!(answer["error"].as_str().unwrap().contains(part), "{self:?}");
    }
}

impl Client {
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// The next answer; `has_body` is false for an answer to `HEAD`.
    pub async fn answer(&mut self, has_body: bool) -> Answer {
        let end = loop {
            match self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(end) => break end,
                None => assert!(self.more().await, "closed within a head: {:?}", self.read),
            }
        };
        let head = String::from_utf8(self.read[..end].to_vec()).unwrap();
        self.read.drain(..end + 4);
        let mut answer =
            Answer { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head, body: String::new() };
        if has_body {
            let length = answer.header("content-length").unwrap().parse().unwrap();
            while self.read.len() < length {
                assert!(self.more().await, "closed within a body");
            }
            answer.body = String::from_utf8(self.read.drain(..length).collect()).unwrap();
        }
        answer
    }

    /// Whether the daemon has closed the connection with nothing more to say.
    pub async fn is_closed(&mut self) -> bool {
        self.read.is_empty() && !self.more().await
    }

    async fn more(&mut self) -> bool {
        let mut piece = [0; 4096];
        let read = timeout(HANG, self.stream.read(&mut piece)).await.unwrap();
        let count = read.unwrap_or(0);
        self.read.extend_from_slice(&piece[..count]);
        count > 0
    }
}

/// The bytes of a request.
pub fn request(method: &str, path: &str, body: &str) -> String {
    let length = body.len();
    format!("{method} {path} HTTP/1.1\r\nhost: test\r\ncontent-length: {length}\r\n\r\n{body}")
}
