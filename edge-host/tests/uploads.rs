//! Bodies of requests: large ones, coded ones, and the answers that their clients can read.
#![allow(clippy::unwrap_used, missing_docs)]

mod stand_in;

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use stand_in::{Daemon, ENCODE, request, texts, vector};

/// More than the buffers of a connection hold.
const PIECE: usize = 1 << 20;
const PIECES: usize = 64;

#[tokio::test]
async fn a_client_that_sends_64_mib_can_read_the_refusal() {
    let daemon = Daemon::ready(|_| {}).await;
    let piece = vec![b' '; PIECE];
    let announced =
        format!("POST {ENCODE} HTTP/1.1\r\nhost: t\r\ncontent-length: {}\r\n\r\n", PIECE * PIECES);
    let mut client = daemon.client().await;
    client.send(announced).await;
    for _ in 0..PIECES {
        client.send(&piece).await;
    }
    let answer = client.answer(true).await;
    answer.refuses(413, "Validation", "body: 67108864 bytes, the limit is 4194304");
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(client.is_closed().await);

    let mut client = daemon.client().await;
    client.send(format!("POST {ENCODE} HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n")).await;
    for _ in 0..PIECES {
        client.send(format!("{PIECE:x}\r\n")).await;
        client.send(&piece).await;
        client.send("\r\n").await;
    }
    client.send("0\r\n\r\n").await;
    client.answer(true).await.refuses(413, "Validation", "body: more than 4194304 bytes");
    assert!(client.is_closed().await);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_client_that_asks_first_need_not_send_the_body() {
    let daemon = Daemon::ready(|_| {}).await;
    let head = |length: usize| {
        format!(
            "POST {ENCODE} HTTP/1.1\r\nhost: t\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let mut client = daemon.client().await;
    client.send(head(PIECE * PIECES)).await;
    client.answer(true).await.refuses(413, "Validation", "body: 67108864 bytes");
    assert!(client.is_closed().await);

    let body = texts(&["good"]);
    let mut client = daemon.client().await;
    client.send(head(body.len())).await;
    assert_eq!(client.answer(false).await.status, 100);
    client.send(body).await;
    assert_eq!(client.answer(true).await.vectors()[0][..3], vector("good"));
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_refusal_before_the_body_was_read_keeps_the_connection() {
    let daemon = Daemon::ready(|_| {}).await;
    let mut client = daemon.client().await;
    let body = texts(&["a"; 5_000]);
    let late = request("POST", ENCODE, &body).replacen(
        "host: localhost",
        "host: localhost\r\nx-lockstep-deadline-ms: x",
        1,
    );
    client.send(late).await;
    client.answer(true).await.refuses(422, "Validation", "x-lockstep-deadline-ms");
    client.send(request("POST", ENCODE, &texts(&["next"]))).await;
    assert_eq!(client.answer(true).await.vectors()[0][..3], vector("next"));
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn the_limit_of_a_body_may_be_more_than_4_mib() {
    let daemon = Daemon::ready(|config| config.max_body_bytes = 8 << 20).await;
    let info: Value = serde_json::from_str(&daemon.ask("GET", "/info", "").await.body).unwrap();
    assert_eq!(info["max_body_bytes"], 8 << 20);
    let long = format!("a{}", " ".repeat(60_000));
    let body = texts(&[long.as_str(); 100]);
    assert!(body.len() > 5 << 20);
    assert_eq!(daemon.ask("POST", ENCODE, &body).await.vectors().len(), 100);
    let body = texts(&[long.as_str(); 150]);
    daemon.ask("POST", ENCODE, &body).await.refuses(413, "Validation", "the limit is 8388608");
    daemon.stop().await.unwrap();
}

fn coded(coding: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: t\r\ncontent-encoding: {coding}\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_body_may_be_gzip() {
    let daemon = Daemon::ready(|_| {}).await;
    let mut client = daemon.client().await;
    client.send(coded("gzip", ENCODE, &gzip(texts(&["good"]).as_bytes()))).await;
    assert_eq!(client.answer(true).await.vectors()[0][..3], vector("good"));
    client.send(coded("br", ENCODE, b"x")).await;
    let answer = client.answer(true).await;
    answer.refuses(415, "Validation", "content-encoding: expected gzip, got \"br\"");
    assert_eq!(answer.header("accept-encoding"), Some("gzip"));
    client.send(coded("gzip", ENCODE, b"{}")).await;
    client.answer(true).await.refuses(422, "Validation", "body: no gzip");
    // A small body that would become large.
    client.send(coded("gzip", ENCODE, &gzip(&vec![b' '; 32 << 20]))).await;
    client.answer(true).await.refuses(413, "Validation", "decoded, more than 4194304 bytes");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn refusals_have_the_headers_and_the_shape_of_their_path() {
    let daemon = Daemon::ready(|config| config.max_body_bytes = 1000).await;
    let answer = daemon.ask("PUT", ENCODE, "").await;
    answer.refuses(405, "Validation", "takes POST, not \"PUT\"");
    assert_eq!(answer.header("allow"), Some("POST"));
    assert_eq!(daemon.ask("DELETE", "/info", "").await.header("allow"), Some("GET, HEAD"));
    let long = json!({"input": "a".repeat(1000)}).to_string();
    for (method, body, status, message) in [
        ("POST", long.as_str(), 413, "the limit is 1000"),
        ("POST", "{\"input\": 7}", 422, "input: expected a string"),
        ("GET", "", 405, "takes POST"),
    ] {
        let answer = daemon.ask(method, "/v1/embeddings", body).await;
        let error: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((answer.status, &error["error"]["type"]), (status, &json!("invalid_request_error")));
        assert!(error["error"]["message"].as_str().unwrap().contains(message), "{error}");
    }
    for path in ["/", "/ping", "/health"] {
        assert_eq!(daemon.ask("GET", path, "").await.body, "{\"status\":\"ok\"}", "{path}");
    }
    daemon.stop().await.unwrap();
}
