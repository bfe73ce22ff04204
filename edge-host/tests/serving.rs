//! Answers to valid requests.
#![allow(clippy::unwrap_used, missing_docs)]

mod stand_in;

use std::num::NonZeroUsize;

use stand_in::{Daemon, ENCODE, encode, request, texts, vector};

#[tokio::test]
async fn an_answer_carries_the_integers_and_its_times() {
    let daemon = Daemon::ready(|_| {}).await;
    let answer = daemon.ask("POST", ENCODE, &texts(&["hello", "a b"])).await;
    assert_eq!(answer.vectors(), [[104, 5, 1044, 1], [97, 2, 195, 2]]);
    assert_eq!(answer.vectors()[0][..3], vector("hello"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-compute-tokens"), Some("7"));
    assert_eq!(answer.header("x-lockstep-engine"), Some("wasm-0"));
    assert_eq!(answer.header("x-lockstep-backend"), Some("wasm-stand-in"));
    let time = |name: &str| -> f64 { answer.header(name).unwrap().parse().unwrap() };
    assert!(time("x-total-time") >= time("x-inference-time"));
    assert!(time("x-compute-time") >= time("x-inference-time"));
    assert!(time("x-queue-time") >= 0.0);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_known_text_is_not_encoded_again() {
    let daemon = Daemon::ready(|config| config.vector_bytes = 1 << 20).await;
    let first = daemon.ask("POST", ENCODE, &texts(&["hello", "world"])).await;
    let second = daemon.ask("POST", ENCODE, &texts(&["world", "new", "hello"])).await;
    let (first, again) = (first.vectors(), second.vectors());
    assert_eq!([&again[0], &again[2]], [&first[1], &first[0]]);
    assert_eq!(again[1][3], 3, "only the new text reached the module");
    assert_eq!(second.header("x-compute-tokens"), Some("13"), "the answer is the same as without it");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_request_of_many_texts_uses_all_instances() {
    let daemon = Daemon::ready(|config| config.instances = NonZeroUsize::new(2).unwrap()).await;
    // Each of 8 texts takes a fifth of a second; a batch of one instance has at most 64 tokens.
    let slow = format!("W2{}", "x".repeat(40));
    let answer = daemon.ask("POST", ENCODE, &texts(&[slow.as_str(); 8])).await;
    for found in answer.vectors() {
        assert_eq!(found[..3], vector(&slow));
    }
    let mut engines: Vec<&str> = answer.header("x-lockstep-engine").unwrap().split(", ").collect();
    engines.sort_unstable();
    assert_eq!(engines, ["wasm-0", "wasm-1"]);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn requests_set_their_priority_and_their_deadline() {
    let daemon = Daemon::ready(|_| {}).await;
    let with = |header: &str, text: &str| {
        encode(text).replacen("host: localhost", &format!("host: localhost\r\n{header}"), 1)
    };
    let mut client = daemon.client().await;
    for good in ["interactive", "batch"] {
        client.send(with(&format!("x-lockstep-priority: {good}"), "a")).await;
        assert_eq!(client.answer(true).await.status, 200);
    }
    client.send(with("x-lockstep-deadline-ms: 150", "W9")).await;
    client.answer(true).await.refuses(504, "Backend", "no answer within 150ms");
    for (header, part) in [
        ("x-lockstep-priority: high", "x-lockstep-priority: expected `interactive` or `batch`, got \"high\""),
        ("x-lockstep-deadline-ms: 0", "from 1 to 25000, got \"0\""),
        ("x-lockstep-deadline-ms: 25001", "got \"25001\""),
        ("x-lockstep-deadline-ms: soon", "got \"soon\""),
    ] {
        client.send(with(header, "a")).await;
        client.answer(true).await.refuses(422, "Validation", part);
    }
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn info_and_health_need_no_instance_and_head_no_body() {
    let daemon = Daemon::ready(|_| {}).await;
    let mut busy = daemon.client().await;
    busy.send(encode("L")).await;
    let info = daemon.ask("GET", "/info?x", "").await;
    assert!(info.status == 200 && info.body.contains("\"model_id\":\"stand-in\""), "{info:?}");
    assert_eq!(daemon.ask("GET", "/health", "").await.body, "{\"status\":\"ok\"}");

    let mut client = daemon.client().await;
    client.send(request("HEAD", "/info", "")).await;
    let head = client.answer(false).await;
    assert_eq!(head.header("content-length"), Some(info.body.len().to_string().as_str()));
    // If the HEAD answer had a body, the client would read it before this answer.
    client.send(request("GET", "/health", "")).await;
    assert_eq!(client.answer(true).await.status, 200);
}

#[tokio::test]
async fn one_connection_carries_many_requests_and_answers_them_in_order() {
    let daemon = Daemon::ready(|config| config.instances = NonZeroUsize::new(2).unwrap()).await;
    let mut client = daemon.client().await;
    for number in 0..5 {
        let word = format!("number{number}");
        client.send(encode(&word)).await;
        assert_eq!(client.answer(true).await.vectors()[0][..3], vector(&word));
    }
    // The first request takes longest.
    let words = ["W1", "second", "third"];
    let all: String = words.iter().map(|word| encode(word)).collect();
    client.send(all).await;
    for word in words {
        assert_eq!(client.answer(true).await.vectors()[0][..3], vector(word));
    }
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_body_may_come_in_chunks() {
    let daemon = Daemon::ready(|_| {}).await;
    let mut client = daemon.client().await;
    let head = format!("POST {ENCODE} HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n");
    client.send(format!("{head}e\r\n{{\"inputs\": [\"o")).await;
    client.send("\r\n5\r\nne\"]}\r\n0\r\n\r\n").await;
    assert_eq!(client.answer(true).await.vectors()[0][..3], vector("one"));
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
                let words: Vec<String> = (0..=name).map(|at| format!("c{name}n{number}t{at}")).collect();
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                client.send(request("POST", ENCODE, &texts(&words))).await;
                let found = client.answer(true).await.vectors();
                assert_eq!(found.len(), words.len());
                for (found, word) in found.iter().zip(words) {
                    assert_eq!(found[..3], vector(word));
                }
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn pages_of_allowed_origins_may_read_the_answers() {
    let ask = |method: &str, path: &str, origin: &str, more: &str| {
        format!("{method} {path} HTTP/1.1\r\nhost: t\r\norigin: {origin}\r\n{more}content-length: 0\r\n\r\n")
    };
    let preflight = "access-control-request-method: POST\r\naccess-control-request-headers: \
                     authorization, content-type, x-stainless-os\r\naccess-control-request-private-network: true\r\n";
    let daemon = Daemon::ready(|config| config.allow_origins = vec!["https://a.example".into()]).await;
    let mut client = daemon.client().await;

    client.send(ask("OPTIONS", "/v1/rank", "https://a.example", preflight)).await;
    let answer = client.answer(false).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://a.example"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET, POST, PUT, DELETE"));
    assert_eq!(
        answer.header("access-control-allow-headers"),
        Some(
            "authorization, content-type, x-api-key, x-lockstep-deadline-ms, x-lockstep-priority, \
             x-request-id, x-stainless-os"
        )
    );
    assert_eq!(answer.header("access-control-allow-private-network"), Some("true"));
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

#[tokio::test]
async fn what_only_a_page_of_somebody_else_sends_is_refused() {
    let daemon = Daemon::ready(|config| config.allow_hosts = vec!["localhost".into()]).await;
    let ask = async |method: &str, head: &str| {
        let body = texts(&["a"]);
        let length = body.len();
        let mut client = daemon.client().await;
        let text = format!("{method} {ENCODE} HTTP/1.1\r\n{head}content-length: {length}\r\n\r\n{body}");
        client.send(text).await;
        client.answer(true).await
    };
    assert_eq!(ask("POST", "host: localhost:8080\r\n").await.status, 200);
    let same = "host: localhost:8080\r\norigin: http://localhost:8080\r\n";
    assert_eq!(ask("POST", same).await.status, 200);
    for (head, status, part) in [
        ("host: rebound.example\r\n", 403, "does not answer for rebound.example"),
        ("", 400, "there is none"),
        ("host: localhost\r\nhost: localhost\r\n", 400, "there are more"),
        ("host: localhost\r\norigin: https://evil.example\r\n", 403, "pages of https://evil.example"),
    ] {
        let kind = if status == 403 { "Forbidden" } else { "Validation" };
        ask("POST", head).await.refuses(status, kind, part);
    }
    let mut client = daemon.client().await;
    let head =
        format!("POST {ENCODE} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: gzip, chunked\r\n\r\n");
    client.send(head + "0\r\n\r\n").await;
    client.answer(true).await.refuses(400, "Validation", "transfer-encoding: expected chunked");
    assert_eq!(daemon.count().await, 3, "what was refused reached no engine");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn all_bodies_share_a_budget() {
    let daemon = Daemon::ready(|config| config.max_bodies_bytes = 1 << 20).await;
    // These clients never send the rest of their bodies.
    let mut slow = Vec::new();
    for _ in 0..3 {
        let mut client = daemon.client().await;
        let head = format!("POST {ENCODE} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 300000\r\n\r\n");
        client.send(head + &"x".repeat(1000)).await;
        slow.push(client);
    }
    let large = texts(&["a".repeat(200_000).as_str()]);
    let refused = loop {
        // The daemon may not have read all three heads yet.
        let answer = daemon.ask("POST", ENCODE, &large).await;
        if answer.status == 429 {
            break answer;
        }
    };
    refused.refuses(429, "Overloaded", "fill 1048576 bytes");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(daemon.encode("a").await.status, 200, "a small body still fits");
    drop(slow);
    while daemon.ask("POST", ENCODE, &large).await.status == 429 {}
    daemon.stop().await.unwrap();
}
