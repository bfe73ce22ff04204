//! Answers to valid requests.
#![allow(clippy::unwrap_used, missing_docs)]

mod stand_in;

use std::num::NonZeroUsize;

use stand_in::{Daemon, request};

#[tokio::test]
async fn an_answer_carries_the_modules_bytes_and_its_times() {
    let daemon = Daemon::ready(|_| {}).await;
    let answer = daemon.post("{\"é\": 1}").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{\"é\": 1}"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-compute-tokens"), Some("9"));
    let time = |name: &str| -> f64 { answer.header(name).unwrap().parse().unwrap() };
    assert_eq!(time("x-compute-time"), time("x-inference-time"));
    assert!(time("x-total-time") >= time("x-inference-time"));
    assert!(time("x-queue-time") >= 0.0);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn the_module_sees_method_and_path_and_may_refuse() {
    let daemon = Daemon::ready(|_| {}).await;
    for (method, path, seen) in [
        ("POST", "/embed", "POST /embed"),
        ("BREW", "/pot?milk=1", "BREW /pot"),
        ("DELETE", "/info", "DELETE /info"),
    ] {
        assert_eq!(daemon.ask(method, path, "P").await.body, seen);
    }
    let answer = daemon.post("Refuse").await;
    assert_eq!((answer.status, answer.body.as_str()), (422, "Refuse"));
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn info_and_health_need_no_instance_and_head_no_body() {
    let daemon = Daemon::ready(|_| {}).await;
    let mut busy = daemon.client().await;
    busy.send(request("POST", "/v1/rank", "L")).await;
    let info = daemon.ask("GET", "/info?x", "").await;
    assert_eq!((info.status, info.body.as_str()), (200, "{\"model_id\":\"stand-in\"}"));
    assert_eq!(daemon.ask("GET", "/health", "").await.body, "{\"status\":\"ok\"}");

    let mut client = daemon.client().await;
    client.send(request("HEAD", "/info", "")).await;
    let head = client.answer(false).await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("23")));
    // If the HEAD answer had a body, the client would read it before this answer.
    client.send(request("GET", "/health", "")).await;
    assert_eq!(client.answer(true).await.status, 200);
}

#[tokio::test]
async fn one_connection_carries_many_requests_and_answers_them_in_order() {
    let daemon = Daemon::ready(|config| config.instances = NonZeroUsize::new(2).unwrap()).await;
    let mut client = daemon.client().await;
    for number in 0..5 {
        let body = format!("number {number}");
        client.send(request("POST", "/v1/rank", &body)).await;
        assert_eq!(client.answer(true).await.body, body);
    }
    // The first request takes longest.
    let bodies = ["W1", "second", "third"];
    let all: String = bodies.iter().map(|body| request("POST", "/v1/rank", body)).collect();
    client.send(all).await;
    for body in bodies {
        assert_eq!(client.answer(true).await.body, body);
    }
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_body_may_come_in_chunks() {
    let daemon = Daemon::ready(|_| {}).await;
    let mut client = daemon.client().await;
    client.send("POST /embed HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n3\r\none").await;
    client.send("\r\n4\r\n two\r\n0\r\n\r\n").await;
    assert_eq!(client.answer(true).await.body, "one two");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn every_client_gets_its_own_answer() {
    let daemon = Daemon::ready(|config| {
        config.instances = NonZeroUsize::new(3).unwrap();
        config.queue = 16;
    })
    .await;
    let mut tasks = tokio::task::JoinSet::new();
    for name in 0..16 {
        let mut client = daemon.client().await;
        tasks.spawn(async move {
            for number in 0..25 {
                let body = format!("client {name} number {number} {}", "x".repeat(name * 997));
                client.send(request("POST", "/v1/rank", &body)).await;
                let answer = client.answer(true).await;
                assert_eq!((answer.status, answer.body), (200, body));
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn connections_beyond_the_bound_wait_for_their_turn() {
    let daemon = Daemon::ready(|config| config.max_connections = NonZeroUsize::MIN).await;
    let mut first = daemon.client().await;
    first.send(request("POST", "/v1/rank", "C")).await;
    assert_eq!(first.answer(true).await.body, "2");
    let mut second = daemon.client().await;
    second.send(request("POST", "/v1/rank", "C")).await;
    // The daemon has not read the second request while it works on the first.
    first.send(request("POST", "/v1/rank", "W2")).await;
    assert_eq!(first.answer(true).await.body, "W2");
    first.send(request("POST", "/v1/rank", "C")).await;
    assert_eq!(first.answer(true).await.body, "4");
    drop(first);
    assert_eq!(second.answer(true).await.body, "5");
    drop(second);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn pages_of_allowed_origins_may_read_the_answers() {
    let ask = |method: &str, path: &str, origin: &str, more: &str| {
        format!("{method} {path} HTTP/1.1\r\nhost: t\r\norigin: {origin}\r\n{more}content-length: 0\r\n\r\n")
    };
    let preflight = "access-control-request-method: POST\r\naccess-control-request-headers: content-type\r\n";
    let daemon = Daemon::ready(|config| config.allow_origins = vec!["https://a.example".into()]).await;
    let mut client = daemon.client().await;

    client.send(ask("OPTIONS", "/v1/rank", "https://a.example", preflight)).await;
    let answer = client.answer(false).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://a.example"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET, POST"));
    assert_eq!(answer.header("access-control-allow-headers"), Some("content-type"));
    assert_eq!(answer.header("vary"), Some("origin"));

    for path in ["/info", "/health", "/v1/rank"] {
        client.send(ask("GET", path, "https://a.example", "")).await;
        let answer = client.answer(true).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://a.example"), "{path}");
        assert!(answer.header("access-control-expose-headers").unwrap().contains("x-compute-tokens"));
    }

    client.send(ask("GET", "/info", "https://b.example", "")).await;
    let answer = client.answer(true).await;
    assert_eq!((answer.header("access-control-allow-origin"), answer.header("vary")), (None, Some("origin")));
    client.send(ask("OPTIONS", "/v1/rank", "https://b.example", preflight)).await;
    let answer = client.answer(true).await;
    assert_eq!(
        (answer.header("access-control-allow-origin"), answer.header("access-control-max-age")),
        (None, None)
    );
    daemon.stop().await.unwrap();

    let daemon = Daemon::ready(|_| {}).await;
    let mut client = daemon.client().await;
    client.send(ask("GET", "/info", "https://a.example", "")).await;
    let answer = client.answer(true).await;
    assert_eq!((answer.header("access-control-allow-origin"), answer.header("vary")), (None, None));
    daemon.stop().await.unwrap();
}
