//! A daemon with a small module in place of the real one, and a client that sees every byte.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

pub mod secure;

use std::{
    fs,
    net::{self, SocketAddr},
    num::NonZeroUsize,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use lockstep_edge_host::{Config, HostError, keys::make, run_with};
use lockstep_folder::manifest::sha256;
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, ToSocketAddrs},
    sync::{oneshot, watch},
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
        let tokenizer = tokenizer().to_string();
        fs::write(self.0.join("tokenizer.json"), &tokenizer).unwrap();
        fs::write(self.0.join("lockstep.json"), manifest(&tokenizer).to_string()).unwrap();
        Config {
            instances: NonZeroUsize::MIN,
            deadline: HANG,
            read_timeout: HANG,
            // The vectors of the stand-in tell how often it was asked.
            vector_bytes: 0,
            // Some tests let the stand-in loop for ever.
            untrusted_module: true,
            ..Config::new(&self.0, self.0.join("module.wasm"))
        }
    }
}

/// Gives each character of a text its ASCII code, and 128 more if it continues a word. Punctuation
/// stands alone.
fn tokenizer() -> Value {
    let token = |code: u8| match char::from(code) {
        plain @ '!'..='~' => plain.to_string(),
        _ => format!("<{code}>"),
    };
    let first = (0..128).map(|code| (token(code), u32::from(code)));
    let later = (0..128).map(|code| (format!("##{}", token(code)), 128 + u32::from(code)));
    let vocabulary: Map<String, Value> = first.chain(later).map(|(text, id)| (text, json!(id))).collect();
    json!({
        "version": "1.0", "added_tokens": [], "normalizer": null, "post_processor": null,
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {
            "type": "WordPiece", "vocab": vocabulary, "unk_token": "<0>",
            "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
        },
    })
}

fn manifest(tokenizer: &str) -> Value {
    json!({
        "format": 1, "model_id": "stand-in", "model_type": "bert", "pooling": "mean", "hidden_size": 4,
        "layers": 1, "max_input_length": 64, "vocabulary": 256, "vector_unit": 1.0, "labels": null,
        "logit_unit": null,
        "digests": {"tokenizer.json": sha256(tokenizer.as_bytes()), "model.lockstep": "", "model.onnx": ""},
    })
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A daemon in this process.
pub struct Daemon {
    pub address: SocketAddr,
    /// The settings with which the daemon started.
    pub config: Config,
    /// Gives the daemon new settings, as `SIGHUP` does.
    pub updates: watch::Sender<Config>,
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
        let (updates, seen) = watch::channel(config.clone());
        let shutdown = async {
            let _ = stopped.await;
        };
        Self {
            address,
            stop: Some(stop),
            ended: tokio::spawn(run_with(listener, config.clone(), seen, shutdown)),
            config,
            updates,
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
        Client::connect(self.address).await
    }

    /// One request on a connection of its own.
    pub async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let mut client = self.client().await;
        client.send(request(method, path, body)).await;
        client.answer(method != "HEAD").await
    }

    /// Encodes one text.
    pub async fn encode(&self, text: &str) -> Answer {
        self.ask("POST", ENCODE, &texts(&[text])).await
    }

    /// How many texts the instance had, this one included.
    pub async fn count(&self) -> i64 {
        self.encode("C").await.vectors()[0][3]
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

/// A daemon that keeps items in a folder, a key that may score, and one that may write.
pub async fn keyed(folder: &Folder) -> (Daemon, [String; 2]) {
    let file = folder.0.join("keys.toml");
    let [shop, filler] = ["shop", "filler"].map(|name| make(name).unwrap());
    fs::write(&file, shop.entry + &filler.entry.replace("score", "write")).unwrap();
    let daemon = Daemon::ready(|config| {
        config.items = Some(folder.0.join("items"));
        config.keys = Some(file);
    })
    .await;
    (daemon, [shop.key, filler.key])
}

/// One connection.
pub struct Client<S = TcpStream> {
    pub stream: S,
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
        let answer: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(answer["error_type"], error_type, "{self:?}");
        assert!(answer["error"].as_str().unwrap().contains(part), "{self:?}");
    }
}

impl Answer {
    /// The vectors of an answer to [`ENCODE`].
    #[track_caller]
    pub fn vectors(&self) -> Vec<Vec<i64>> {
        assert_eq!(self.status, 200, "{self:?}");
        let answer: Value = serde_json::from_str(&self.body).unwrap();
        serde_json::from_value(answer["vectors"].clone()).unwrap()
    }
}

/// The path that gives vectors.
pub const ENCODE: &str = "/lockstep/encode";

/// The body of a request for the vectors of some texts.
pub fn texts(texts: &[&str]) -> String {
    json!({ "inputs": texts }).to_string()
}

/// A request for the vector of one text.
pub fn encode(text: &str) -> String {
    request("POST", ENCODE, &texts(&[text]))
}

/// The vector that the stand-in gives for a word, without the count.
pub fn vector(word: &str) -> Vec<i64> {
    let later: i64 = word.bytes().skip(1).map(|code| 128 + i64::from(code)).sum();
    let first = i64::from(word.as_bytes()[0]);
    vec![first, word.len() as i64, first + later]
}

impl Client {
    pub async fn connect(address: impl ToSocketAddrs) -> Self {
        Self::new(TcpStream::connect(address).await.unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, read: Vec::new() }
    }

    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// The next answer; `has_body` is false for an answer to `HEAD`.
    pub async fn answer(&mut self, has_body: bool) -> Answer {
        let (answer, body) = self.answer_in_bytes(has_body).await;
        Answer { body: String::from_utf8(body).unwrap(), ..answer }
    }

    /// The same with a body that may be no text.
    pub async fn answer_in_bytes(&mut self, has_body: bool) -> (Answer, Vec<u8>) {
        let end = loop {
            match self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                Some(end) => break end,
                None => assert!(self.more().await, "closed within a head: {:?}", self.read),
            }
        };
        let head = String::from_utf8(self.read[..end].to_vec()).unwrap();
        self.read.drain(..end + 4);
        let answer =
            Answer { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head, body: String::new() };
        let length = answer.header("content-length").filter(|_| has_body);
        let length = length.map_or(0, |length| length.parse().unwrap());
        while self.read.len() < length {
            assert!(self.more().await, "closed within a body");
        }
        (answer, self.read.drain(..length).collect())
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

/// One request on a connection of its own to a program at `address`, with more lines in its head.
/// Gives the whole answer.
pub fn exchange(address: &str, request: &str, more: &str) -> String {
    use std::io::{Read, Write};
    let head = format!("host: localhost\r\nconnection: close\r\n{more}");
    let mut stream = net::TcpStream::connect(address).unwrap();
    stream.write_all(request.replacen("host: localhost\r\n", &head, 1).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The bytes of a request.
pub fn request(method: &str, path: &str, body: &str) -> String {
    let length = body.len();
    format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {length}\r\n\r\n{body}")
}
