//! The daemon speaks TLS: versions, keys, clients that are slow or speak plain HTTP, new
//! certificates.
#![allow(clippy::unwrap_used, missing_docs)]

mod stand_in;

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use lockstep_edge_host::{Config, HostError, TlsFiles};
use stand_in::{
    Client, Daemon, Folder, encode, request,
    secure::{Pair, connect},
    vector,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        version::{TLS12, TLS13},
    },
};

/// Only a hang takes this long.
const HANG: Duration = Duration::from_secs(25);

/// A daemon with TLS that is ready.
async fn daemon(pair: &Pair, set: impl FnOnce(&mut Config)) -> Daemon {
    let daemon = Daemon::start("model", |config| {
        config.tls = Some(pair.write(&config.model));
        set(config);
    })
    .await;
    while !ready(pair, daemon.address).await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    daemon
}

async fn ready(pair: &Pair, address: SocketAddr) -> bool {
    let mut client = pair.connect(address).await.unwrap();
    client.send(request("GET", "/health", "")).await;
    client.answer(true).await.status == 200
}

/// The value of a sample of `/metrics`.
async fn sample(pair: &Pair, address: SocketAddr, name: &str) -> f64 {
    let mut client = pair.connect(address).await.unwrap();
    client.send(request("GET", "/metrics", "")).await;
    let text = client.answer(true).await.body;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name}\n{text}")).parse().unwrap()
}

#[tokio::test]
async fn both_versions_answer_and_keep_the_connection() {
    let pair = Pair::new();
    let daemon = daemon(&pair, |_| {}).await;
    for version in [&TLS12, &TLS13] {
        let stream = connect(&pair.trusted(&[version], &["h2", "http/1.1"]), daemon.address).await.unwrap();
        let (_, session) = stream.get_ref();
        assert_eq!(session.protocol_version(), Some(version.version));
        assert_eq!(session.alpn_protocol(), Some(b"http/1.1".as_slice()));
        let mut client = Client::new(stream);
        for word in ["one", "two"] {
            client.send(encode(word)).await;
            assert_eq!(client.answer(true).await.vectors()[0][..3], vector(word));
        }
        // Megabytes in both directions pass through many records.
        let words = "a ".repeat(20);
        let texts: Vec<&str> = vec![&words; 500];
        client.send(request("POST", stand_in::ENCODE, &stand_in::texts(&texts))).await;
        assert_eq!(client.answer(true).await.vectors().len(), 500);
    }
    let none = connect(&pair.trusted(&[&TLS13], &["h2"]), daemon.address).await.unwrap_err();
    assert!(none.to_string().contains("NoApplicationProtocol"), "{none}");
    let stranger = Pair::new().connect(daemon.address).await;
    assert!(stranger.is_err(), "a client that does not trust the certificate");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_key_may_be_in_the_format_of_sec_1_and_other_sections_do_no_harm() {
    let pair = Pair::new();
    let daemon = daemon(&pair, |config| {
        // PKCS #8 of P-256 ends with the key in the format of SEC 1.
        let der = pair.key.serialize_der();
        let place = der.windows(2).position(|tag| tag == [0x04, (der.len() - 29) as u8]).unwrap();
        let sec1 = &der[place + 2..];
        let base64 = BASE64_STANDARD.encode(sec1);
        let parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
        let key =
            format!("{parameters}-----BEGIN EC PRIVATE KEY-----\n{base64}\n-----END EC PRIVATE KEY-----\n");
        fs::write(&config.tls.as_ref().unwrap().key, key).unwrap();
    })
    .await;
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn plain_http_gets_an_answer_and_a_clean_end() {
    let pair = Pair::new();
    let daemon = daemon(&pair, |_| {}).await;
    for pieces in [0, 3] {
        let mut stream = TcpStream::connect(daemon.address).await.unwrap();
        let head = request("POST", "/embed", "").replace("length: 0", &format!("length: {}", pieces << 16));
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0];
        timeout(HANG, stream.read_exact(&mut answer)).await.unwrap().unwrap();
        // The client still sends. A reset would be an error of a write or of the read.
        for _ in 0..pieces {
            stream.write_all(&[b'x'; 1 << 16]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stream.shutdown().await.unwrap();
        timeout(HANG, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        let (head, text) = answer.split_once("\r\n\r\n").unwrap();
        assert_eq!(text, "this port speaks TLS: ask by https://\n");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        assert_eq!(length, Some(text.len().to_string().as_str()));
    }
    assert_eq!(sample(&pair, daemon.address, "lockstep_handshakes_total{outcome=\"plain\"}").await, 2.0);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_slow_handshake_is_cut_and_disturbs_nobody() {
    let pair = Pair::new();
    let daemon = daemon(&pair, |config| config.read_timeout = Duration::from_millis(400)).await;
    // A record with a handshake of 200 bytes, which do not come.
    for sent in [b"".as_slice(), b"\x16\x03\x01\x00\xc8\x01\x00"] {
        let mut slow = TcpStream::connect(daemon.address).await.unwrap();
        slow.write_all(sent).await.unwrap();
        assert!(ready(&pair, daemon.address).await);
        let closed = timeout(HANG, slow.read(&mut [0; 64])).await.unwrap();
        assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
    }
    assert_eq!(sample(&pair, daemon.address, "lockstep_handshakes_total{outcome=\"slow\"}").await, 2.0);
    // What is no TLS is no reason to wait either.
    let mut noise = TcpStream::connect(daemon.address).await.unwrap();
    noise.write_all(b"\x16\xff\xff\xff\xffnoise").await.unwrap();
    let mut rest = Vec::new();
    let _ = timeout(HANG, noise.read_to_end(&mut rest)).await.unwrap();
    assert!(rest.is_empty() || rest[0] == 21, "an alert: {rest:?}");
    assert_eq!(sample(&pair, daemon.address, "lockstep_handshakes_total{outcome=\"failed\"}").await, 1.0);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn silent_clients_keep_nobody_out_nor_the_daemon_up() {
    let pair = Pair::new();
    // Two may be in a handshake.
    let daemon = daemon(&pair, |config| config.max_connections = 8.try_into().unwrap()).await;
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(TcpStream::connect(daemon.address).await.unwrap());
    }
    assert!(ready(&pair, daemon.address).await);
    for first in &mut silent[..2] {
        assert_eq!(timeout(HANG, first.read(&mut [0])).await.unwrap().unwrap(), 0, "the oldest went");
    }
    let crowded = "lockstep_handshakes_total{outcome=\"crowded\"}";
    assert_eq!(sample(&pair, daemon.address, crowded).await, 2.0);
    let last = &mut silent[2];
    assert!(timeout(Duration::from_millis(20), last.read(&mut [0])).await.is_err(), "it may go on");
    // The shutdown does not wait for its handshake.
    timeout(Duration::from_secs(9), daemon.stop()).await.unwrap().unwrap();
}

#[tokio::test]
async fn files_that_do_not_fit_are_refused_at_the_start_by_name() {
    let (pair, other) = (Pair::new(), Pair::new());
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let (cert, key) = (pair.cert.clone(), pair.key.serialize_pem());
    let (whole, strange) = (Some(cert.clone()), Some(other.key.serialize_pem()));
    let no_key = Some("nothing".to_owned());
    for (cert, key, parts) in [
        (
            whole.clone(),
            strange,
            ["the key in ", "key.pem is not the key of the first certificate in ", "cert.pem"],
        ),
        (None, Some(key.clone()), ["--tls-cert", "cert.pem: ", "No such file"]),
        (whole.clone(), None, ["--tls-key", "key.pem: ", "No such file"]),
        (Some(key.clone()), Some(key.clone()), ["cert.pem: ", "no certificate in PEM", "BEGIN CERTIFICATE"]),
        (whole.clone(), no_key, ["key.pem: ", "no private key in PEM", "PKCS #8"]),
        (whole.clone(), Some(encrypted.into()), ["key.pem: ", "the key is encrypted", "openssl pkey"]),
        (Some(cert.replace("MI", "M!")), Some(key.clone()), ["cert.pem: ", "a section is not base64", ""]),
        (Some(cert[..cert.len() / 2].into()), Some(key.clone()), ["cert.pem: ", "a section has no END", ""]),
        (
            Some("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n".into()),
            Some(key),
            ["cert.pem: ", "no certificate: ", ""],
        ),
        (Some("x".repeat(2 << 20)), whole, ["cert.pem: ", "2097152 bytes are too many", "at most 1048576"]),
    ] {
        let daemon = Daemon::start("model", |config| {
            let files = pair.write(&config.model);
            for (path, text) in [(&files.cert, cert), (&files.key, key)] {
                match text {
                    Some(text) => fs::write(path, text).unwrap(),
                    None => fs::remove_file(path).unwrap(),
                }
            }
            config.tls = Some(files);
        })
        .await;
        let error = daemon.ended().await.unwrap_err();
        assert!(matches!(error, HostError::Tls(_)), "{error}");
        for part in parts {
            assert!(error.to_string().contains(part), "{part}: {error}");
        }
    }
}

/// The program with TLS, and the lines of its log.
struct Program {
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
    address: SocketAddr,
}

impl Program {
    async fn start(config: &Config, files: &TlsFiles) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_edge-host"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--instances", "1", "--model"]).arg(&config.model);
        command.arg("--module").arg(&config.module);
        command.arg("--tls-cert").arg(&files.cert).arg("--tls-key").arg(&files.key);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        let (send, lines) = mpsc::unbounded_channel();
        thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        let mut program = Self { child, lines, address: ([0, 0, 0, 0], 0).into() };
        let line = program.told("listening on https://").await;
        program.address = line.rsplit_once('/').unwrap().1.parse().unwrap();
        program
    }

    /// Waits for a line of the log.
    async fn told(&mut self, part: &str) -> String {
        loop {
            let line = timeout(HANG, self.lines.recv()).await.unwrap().unwrap();
            if line.contains(part) {
                return line;
            }
        }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id();
        let killed = Command::new("sh").arg("-c").arg(format!("kill -{name} {id}")).status().unwrap();
        assert!(killed.success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_certificate_comes_into_force_while_requests_go_on() {
    let folder = Folder::new();
    let config = folder.furnish("model");
    let pairs: Vec<Pair> = (0..4).map(|_| Pair::new()).collect();
    let files = pairs[0].write(&folder.0);
    let mut program = Program::start(&config, &files).await;
    let address = program.address;
    while !ready(&pairs[0], address).await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // One client keeps its connection; others connect anew for each request and trust any pair.
    let mut roots = RootCertStore::empty();
    pairs.iter().for_each(|pair| roots.add(pair.der.clone()).unwrap());
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    let connector: TlsConnector = Arc::new(config.with_root_certificates(roots).with_no_client_auth()).into();
    let mut kept = pairs[0].connect(address).await.unwrap();
    let (ended, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (ended, asked, connector) = (Arc::clone(&ended), Arc::clone(&asked), connector.clone());
            tokio::spawn(async move {
                while !ended.load(Ordering::Relaxed) {
                    let mut client = Client::new(connect(&connector, address).await.unwrap());
                    client.send(encode("w")).await;
                    assert_eq!(client.answer(true).await.vectors()[0][..3], vector("w"));
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for (before, new) in pairs.iter().zip(&pairs[1..]) {
        // Damaged files change nothing, and the log says so.
        fs::write(&files.key, new.key.serialize_pem()).unwrap();
        program.signal("HUP");
        let line = program.told("the certificate stays as it is: ").await;
        assert!(line.contains("is not the key of the first certificate"), "{line}");
        assert!(ready(before, address).await);
        new.write(&folder.0);
        program.signal("HUP");
        program.told("the certificate is read anew; it ends at 4096-01-01T00:00:00Z").await;
        assert!(ready(new, address).await);
        assert!(before.connect(address).await.is_err(), "the old one is gone");
        kept.send(encode("k")).await;
        assert_eq!(kept.answer(true).await.vectors()[0][..3], vector("k"));
        let so_far = asked.load(Ordering::Relaxed);
        while asked.load(Ordering::Relaxed) < so_far + 8 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    ended.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    let end = sample(&pairs[3], address, "lockstep_certificate_end_timestamp_seconds").await;
    assert_eq!(end, 67_090_118_400.0, "4096-01-01");
    program.signal("TERM");
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_check_of_settings_looks_at_the_certificate() {
    let folder = Folder::new();
    folder.furnish("model");
    let files = Pair::new().write(&folder.0);
    fs::write(&files.key, Pair::new().key.serialize_pem()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_edge-host"));
    command.args(["check-config", "--model"]).arg(&folder.0);
    command.arg("--tls-cert").arg(&files.cert).arg("--tls-key").arg(&files.key);
    let output = command.output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("is not the key of the first certificate in "), "{message}");
}
