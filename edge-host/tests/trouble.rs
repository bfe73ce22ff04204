//! One bad request, client or module gets one bad answer.
#![allow(clippy::unwrap_used, missing_docs)]

mod stand_in;

use std::time::Duration;

use serde_json::json;
use stand_in::{Daemon, ENCODE, encode, request, texts, vector};
use tokio::net::TcpStream;

const SHORT: Duration = Duration::from_millis(200);
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_trap_is_one_bad_answer_and_a_new_instance() {
    let daemon = Daemon::ready(|_| {}).await;
    assert_eq!(daemon.count().await, 1);
    assert_eq!(daemon.count().await, 2);
    daemon.encode("T").await.refuses(424, "Backend", "trapped: wasm trap: wasm `unreachable`");
    assert_eq!(daemon.count().await, 1, "the instance must be a new one");
    daemon.healthy().await;
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_text_that_traps_spoils_no_other_request() {
    let daemon = Daemon::ready(|_| {}).await;
    let mut busy = daemon.client().await;
    busy.send(encode("W3")).await;
    // These wait while the instance works, so they share a batch.
    let words = ["good", "Trap", "fine"];
    let mut clients = Vec::new();
    for word in words {
        let mut client = daemon.client().await;
        client.send(encode(word)).await;
        clients.push(client);
    }
    assert_eq!(busy.answer(true).await.vectors()[0][..3], vector("W3"));
    for (word, client) in words.iter().zip(&mut clients) {
        let answer = client.answer(true).await;
        match *word {
            "Trap" => answer.refuses(424, "Backend", "unreachable"),
            word => assert_eq!(answer.vectors()[0][..3], vector(word)),
        }
    }
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_module_that_breaks_its_interface_is_built_anew() {
    let daemon = Daemon::ready(|_| {}).await;
    for (text, part) in [
        ("O", "its result of 16 bytes at 0xfffffff0 is outside its memory"),
        ("S", "its result has 15 bytes, 1 vectors have 16"),
        ("H", "its result has 1073741824 bytes, the limit is 16"),
        ("R", "the stand-in does not like this model (code 1)"),
    ] {
        daemon.encode(text).await.refuses(424, "Backend", part);
        assert_eq!(daemon.count().await, 1, "{text}");
    }
    daemon.stop().await.unwrap();
}

/// Waits for the answer of a new instance. For a short time a request may still reach the old one.
async fn built_anew(daemon: &Daemon) {
    let again = async {
        loop {
            let answer = daemon.encode("C").await;
            if answer.status == 200 {
                break answer.vectors()[0][3];
            }
            answer.refuses(504, "Backend", "no answer");
        }
    };
    assert_eq!(tokio::time::timeout(Duration::from_secs(30), again).await.unwrap(), 1);
}

#[tokio::test]
async fn an_endless_loop_ends_at_the_deadline() {
    let daemon = Daemon::ready(|config| config.deadline = SHORT).await;
    daemon.encode("L").await.refuses(504, "Backend", "no answer within 200ms");
    built_anew(&daemon).await;
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_trusted_module_that_asks_for_the_time_ends_at_the_deadline() {
    let daemon = Daemon::ready(|config| (config.deadline, config.untrusted_module) = (SHORT, false)).await;
    daemon.encode("W9").await.refuses(504, "Backend", "no answer within 200ms");
    built_anew(&daemon).await;
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let daemon = Daemon::ready(|config| {
        config.queue = 1;
        config.deadline = Duration::from_secs(2);
    })
    .await;
    // One request runs and one waits. The third and the fourth arrive in any order, and the queue
    // has room for only one of them.
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = daemon.client().await;
        client.send(encode("L")).await;
        clients.push(client);
    }
    let mut statuses = Vec::new();
    for client in &mut clients {
        let answer = client.answer(true).await;
        statuses.push(answer.status);
        if answer.status == 429 {
            answer.refuses(429, "Overloaded", "1 requests wait already");
            assert_eq!(answer.header("retry-after"), Some("1"));
        }
    }
    statuses.sort_unstable();
    assert!(statuses.starts_with(&[429, 429]) && statuses.ends_with(&[504]), "{statuses:?}");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_client_that_leaves_while_it_waits_costs_nothing() {
    let daemon = Daemon::ready(|_| {}).await;
    let mut busy = daemon.client().await;
    busy.send(encode("W9")).await;
    for _ in 0..3 {
        let mut gone = daemon.client().await;
        gone.send(encode("C")).await;
        gone.stream.set_zero_linger().unwrap();
    }
    // The count has W9 and this text, but not the three whose clients left.
    assert_eq!(daemon.count().await, 2);
    assert_eq!(busy.answer(true).await.vectors()[0][..3], vector("W9"));
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_client_that_leaves_frees_the_rest_of_its_texts() {
    let daemon = Daemon::ready(|_| {}).await;
    let mut gone = daemon.client().await;
    // Each text takes a tenth of a second, and is a batch because of its 40 tokens.
    let slow = format!("W1{}", "x".repeat(38));
    gone.send(request("POST", ENCODE, &texts(&vec![slow.as_str(); 150]))).await;
    // The instance works on the first ones once it has counted more texts than these.
    let (mut asked, mut early) = (1, daemon.count().await);
    while early <= asked {
        asked += 1;
        early = daemon.count().await;
    }
    gone.stream.set_zero_linger().unwrap();
    drop(gone);
    let mut last = daemon.count().await;
    for _ in 0..5 {
        last = daemon.count().await;
    }
    assert!((2..100).contains(&early), "{early}");
    assert!(last < 120, "{last} texts were encoded, most of them for nobody");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn bodies_beyond_the_limit_are_refused_unread() {
    let daemon = Daemon::ready(|config| config.max_body_bytes = 1000).await;
    let long = texts(&["a"]) + &" ".repeat(1000 - texts(&["a"]).len());
    assert_eq!(daemon.ask("POST", ENCODE, &long).await.status, 200);
    assert!(daemon.ask("GET", "/info", "").await.body.contains("\"max_body_bytes\":1000"));

    let mut client = daemon.client().await;
    client.send("POST /embed HTTP/1.1\r\nhost: t\r\ncontent-length: 1001\r\n\r\n").await;
    let answer = client.answer(true).await;
    answer.refuses(413, "Validation", "body: 1001 bytes, the limit is 1000");
    assert_eq!(answer.header("connection"), Some("close"));

    let mut client = daemon.client().await;
    client.send("POST /embed HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\n").await;
    client.send(format!("3e9\r\n{}\r\n", "x".repeat(1001))).await;
    client.answer(true).await.refuses(413, "Validation", "more than 1000 bytes");
    assert_eq!(daemon.count().await, 2, "neither has reached the module");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn slow_senders_do_not_hold_a_connection() {
    let daemon = Daemon::ready(|config| config.read_timeout = SECOND).await;
    let mut body = daemon.client().await;
    body.send("POST /embed HTTP/1.1\r\nhost: t\r\ncontent-length: 10\r\n\r\nabc").await;
    let answer = body.answer(true).await;
    answer.refuses(408, "Validation", "not complete after 1s");
    assert_eq!(answer.header("connection"), Some("close"));

    let mut head = daemon.client().await;
    head.send("POST /embed HTTP/1.1\r\nhost:").await;
    assert!(head.is_closed().await);

    let mut idle = daemon.client().await;
    idle.send(encode("a")).await;
    assert_eq!(idle.answer(true).await.status, 200);
    assert!(idle.is_closed().await);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_client_that_does_not_read_is_let_go() {
    let daemon = Daemon::ready(|config| {
        config.read_timeout = SECOND;
        config.max_body_bytes = 32 << 20;
        config.max_connections = std::num::NonZeroUsize::MIN;
    })
    .await;
    let mut silent = daemon.client().await;
    let (many, text) = (400, "x ".repeat(30_000));
    let body = json!({"query": "a", "texts": vec![text; many], "return_text": true}).to_string();
    silent.send(request("POST", "/rerank", &body)).await;
    // The answer has 24 MB. No other connection is accepted until the daemon closes this one.
    assert_eq!(daemon.count().await, 2 + many as i64);
    daemon.stop().await.unwrap();
    drop(silent);
}

#[tokio::test]
async fn bytes_that_are_no_http_are_refused() {
    let daemon = Daemon::ready(|_| {}).await;
    let mut client = daemon.client().await;
    client.send("\x16\x03\x01 hello\r\n\r\n").await;
    assert_eq!(client.answer(true).await.status, 400);
    assert!(client.is_closed().await);
    let mut client = daemon.client().await;
    client.send("POST /embed HTTP/1.1\r\nhost: t\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n").await;
    client.answer(true).await.refuses(400, "Validation", "body: ");
    assert_eq!(daemon.encode("a").await.status, 200);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn memory_is_bounded() {
    let daemon = Daemon::ready(|config| config.max_memory_bytes = 32 << 20).await;
    daemon.encode("G").await.refuses(424, "Backend", "no memory left");
    daemon.stop().await.unwrap();
    let daemon = Daemon::ready(|config| config.max_memory_bytes = 128 << 20).await;
    assert_eq!(daemon.encode("G").await.status, 200);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn shutdown_answers_what_is_under_way() {
    let daemon = Daemon::ready(|_| {}).await;
    let mut idle = daemon.client().await;
    idle.send(encode("a")).await;
    idle.answer(true).await;
    let mut working = daemon.client().await;
    working.send(encode("W5")).await;
    let mut waiting = daemon.client().await;
    waiting.send(encode("C")).await;
    // When this later request is answered, the daemon has read the requests of both connections.
    let mut probe = daemon.client().await;
    probe.send(request("GET", "/health", "")).await;
    probe.answer(true).await;

    let (address, ended, _folder) = daemon.begin_stop();
    assert_eq!(working.answer(true).await.vectors()[0][..3], vector("W5"));
    assert_eq!(waiting.answer(true).await.status, 200);
    assert!(idle.is_closed().await);
    ended.await.unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn shutdown_does_not_wait_for_ever() {
    let daemon = Daemon::ready(|config| config.drain = SHORT).await;
    let mut stuck = daemon.client().await;
    stuck.send(encode("L")).await;
    let mut probe = daemon.client().await;
    probe.send(request("GET", "/health", "")).await;
    probe.answer(true).await;
    daemon.stop().await.unwrap();
    assert!(stuck.is_closed().await);
}
