//! Too many connections: those that say nothing keep nobody out.
#![allow(clippy::unwrap_used, missing_docs)]

mod stand_in;

use std::num::NonZeroUsize;

use stand_in::{Client, Daemon, encode, request, vector};
use tokio::io::AsyncWriteExt;

/// The most connections of these daemons.
const MOST: usize = 4;

fn few() -> NonZeroUsize {
    NonZeroUsize::new(MOST).unwrap()
}

/// Connections that send nothing, or the begin of a head alone.
async fn silent(daemon: &Daemon, number: usize) -> Vec<Client> {
    let mut clients = Vec::new();
    for i in 0..number {
        let mut client = daemon.client().await;
        if i % 2 == 1 {
            client.stream.write_all(b"GET /health HT").await.unwrap();
        }
        clients.push(client);
    }
    clients
}

#[tokio::test]
async fn silent_connections_keep_nobody_out() {
    let daemon = Daemon::ready(|config| config.max_connections = few()).await;
    let mut all = Vec::new();
    for _ in 0..20 {
        all.extend(silent(&daemon, MOST + 1).await);
        assert_eq!(daemon.encode("hi").await.vectors()[0][..3], vector("hi"));
    }
    drop(all);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_request_under_way_is_answered_whoever_comes() {
    let daemon = Daemon::ready(|config| config.max_connections = few()).await;
    let mut busy = daemon.client().await;
    busy.send(encode("W2")).await;
    let mut body = daemon.client().await;
    // A body that is not complete yet is a request under way too.
    let whole = encode("later");
    let (begin, end) = whole.split_at(whole.len() - 3);
    body.send(begin.to_owned()).await;
    let others = silent(&daemon, 3 * MOST).await;
    assert_eq!(daemon.encode("hi").await.vectors()[0][..3], vector("hi"));
    assert_eq!(busy.answer(true).await.vectors()[0][..3], vector("W2"));
    body.send(end.to_owned()).await;
    assert_eq!(body.answer(true).await.vectors()[0][..3], vector("later"));
    drop(others);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn connections_with_requests_make_the_next_one_wait() {
    let (daemon, address) = watched(1).await;
    let mut first = daemon.client().await;
    first.send(encode("W2")).await;
    let mut status = Client::connect(&address).await;
    loop {
        status.send(request("GET", "/metrics", "")).await;
        if status.answer(true).await.body.contains("lockstep_requests_under_way 1.0\n") {
            break;
        }
    }
    let mut second = daemon.client().await;
    second.send(encode("C")).await;
    // The daemon has not read the second request while it works on the first.
    assert_eq!(first.answer(true).await.vectors()[0][3], 1);
    assert_eq!(second.answer(true).await.vectors()[0][3], 2);
    // The first connection had to leave.
    assert!(first.is_closed().await);
    daemon.stop().await.unwrap();
}

/// A daemon for one connection at a time, and the address that tells its status. Every address of
/// 127.0.0.0/8 is this machine's, so each test of each process has its own one.
async fn watched(test: u8) -> (Daemon, String) {
    let [.., a, b] = std::process::id().to_be_bytes();
    let address = format!("127.{}.{a}.{b}:18099", 77 + test);
    let daemon = Daemon::ready(|config| {
        config.max_connections = NonZeroUsize::MIN;
        config.status_listen = Some(address.clone());
    })
    .await;
    (daemon, address)
}

#[tokio::test]
async fn the_status_has_a_listener_of_its_own() {
    let (daemon, address) = watched(0).await;
    let mut busy = daemon.client().await;
    busy.send(encode("W2")).await;
    let silent: Vec<Client> = {
        let mut all = Vec::new();
        for _ in 0..80 {
            all.push(Client::connect(&address).await);
        }
        all
    };
    let ask = async |method: &str, path: &str| {
        let mut client = Client::connect(&address).await;
        client.send(request(method, path, "")).await;
        client.answer(method != "HEAD").await
    };
    for (path, part) in
        [("/health", "ok"), ("/info", "stand-in"), ("/metrics", "te_request"), ("/ping", "ok")]
    {
        let answer = ask("GET", path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.body.contains(part), "{path}: {}", answer.body);
    }
    assert_eq!(ask("HEAD", "/health").await.status, 200);
    assert_eq!(ask("POST", "/v1/rank").await.status, 404);
    assert_eq!(busy.answer(true).await.vectors()[0][..3], vector("W2"));
    drop(silent);
    // While the daemon drains it is not ready, and says so.
    let mut last = daemon.client().await;
    last.send(encode("W2")).await;
    while !ask("GET", "/metrics").await.body.contains("lockstep_requests_under_way 1.0\n") {}
    let (_, ended, _folder) = daemon.begin_stop();
    loop {
        let answer = ask("GET", "/health").await;
        if answer.status != 200 {
            answer.refuses(503, "Unhealthy", "ready");
            break;
        }
    }
    assert_eq!(last.answer(true).await.vectors()[0][..3], vector("W2"));
    ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_address_of_the_status_that_is_taken_ends_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let daemon = Daemon::start("model", |config| config.status_listen = Some(address.clone())).await;
    let error = daemon.ended().await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("--status-listen {address}: ")), "{error}");
}
