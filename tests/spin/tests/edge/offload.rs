//! The component sends heavy requests to the daemon, and answers itself if the daemon is away.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use super::fixture::{DAEMON, Edge, good, scores};
use lockstep_tests_spin::Settings;
use serde_json::json;

fn towards(url: &str, min_tokens: &str, timeout: &str) -> Settings {
    let variables =
        [("offload_url", url), ("offload_min_tokens", min_tokens), ("offload_timeout_ms", timeout)];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    Settings { variables, ..Settings::default() }
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}/")
}

#[test]
fn the_daemon_gives_the_same_scores() {
    let edge = Edge::start(towards(&url(DAEMON.address), "10", "60000"));
    let local = Edge::start(Settings::default());
    let here = local.post("/v1/rank", &good());
    let there = edge.post("/v1/rank", &good());
    assert_eq!(there.header("x-lockstep-offload"), Some("daemon"));
    assert_eq!(there.header("x-lockstep-backend"), Some("wasm-relaxed"));
    assert_eq!(scores(&there.json()), scores(&here.json()));
    assert!(edge.settings.store.records().is_empty(), "nothing was computed at the edge");

    let few = edge.post("/embed", &json!({"inputs": "a"}));
    assert_eq!((few.status, few.header("x-lockstep-offload")), (200, None), "below the limit");

    edge.post("/v1/users/7/events", &json!({"events": good()["user"]["history"]}));
    let mut by_id = good();
    by_id["user"] = json!({"id": "7"});
    let there = edge.post("/v1/rank", &by_id);
    assert_eq!(there.header("x-lockstep-offload"), Some("daemon"), "{}", there.body);
    assert_eq!(scores(&there.json()), scores(&here.json()));
}

/// How a broken daemon treats a request.
#[derive(Clone, Copy)]
enum Trouble {
    /// It closes the connection in the middle of its answer.
    CutOff,
    /// It answers for another model.
    OtherModel,
    /// It refuses the request.
    Overloaded,
    /// It does not answer.
    Silent,
    /// It answers in another protocol.
    NoHttp,
}

/// Starts a broken daemon. Its thread ends with the test.
fn troubled(trouble: Trouble) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let answer = match trouble {
                Trouble::CutOff => {
                    "HTTP/1.1 200 OK\r\nx-lockstep-model-digest: DIGEST\r\ncontent-length: 500\r\n\r\n{\"model\":"
                }
                Trouble::OtherModel => {
                    "HTTP/1.1 200 OK\r\nx-lockstep-model-digest: 00ff\r\ncontent-length: 2\r\n\r\n{}"
                }
                Trouble::Overloaded => "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 2\r\n\r\n{}",
                Trouble::NoHttp => "220 mail.example ESMTP\r\n",
                Trouble::Silent => {
                    std::thread::sleep(Duration::from_secs(20));
                    ""
                }
            };
            let (_, info) = lockstep_tests::http::post(DAEMON.address, "/v1/rank", &good());
            let answer = answer.replace("DIGEST", info["model_digest"].as_str().unwrap());
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    address
}

#[test]
fn where_the_daemon_is_away_the_edge_scores_and_says_so() {
    let expected = scores(&Edge::start(Settings::default()).post("/v1/rank", &good()).json());
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    for (address, reason) in [
        (nobody, ""),
        (troubled(Trouble::CutOff), ""),
        (troubled(Trouble::OtherModel), "its model is 00ff"),
        (troubled(Trouble::Overloaded), "status 429"),
        (troubled(Trouble::Silent), "no answer within 300ms"),
        (troubled(Trouble::NoHttp), ""),
    ] {
        let edge = Edge::start(towards(&url(address), "1", "300"));
        let answer = edge.post("/v1/rank", &good());
        assert_eq!((answer.status, scores(&answer.json())), (200, expected.clone()));
        let said = answer.header("x-lockstep-offload").unwrap();
        assert!(said.starts_with("failed: ") && said.contains(reason), "{said} does not say {reason}");
        assert_eq!(answer.header("x-lockstep-backend"), Some("wasm-relaxed"));
    }
}

/// Spin lets a component call the hosts of its manifest only.
#[test]
fn a_host_that_the_manifest_does_not_name_is_refused_with_a_hint() {
    let edge = Edge::start(towards("http://192.0.2.1", "1", "60000"));
    let answer = edge.post("/v1/rank", &good());
    let said = answer.header("x-lockstep-offload").unwrap();
    assert!(answer.status == 200 && said.contains("allowed_outbound_hosts"), "{} {said}", answer.status);
}

#[test]
fn the_daemon_may_be_behind_a_path() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let edge = Edge::start(towards(&format!(" http://{address}/ranker/// "), "1", "60000"));
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 200];
        let read = stream.read(&mut request).unwrap();
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    edge.post("/v1/rank", &good());
    let asked = asked.join().unwrap();
    assert!(asked.starts_with("POST /ranker/v1/rank HTTP/1.1"), "{asked}");
}

#[test]
fn variables_out_of_order_are_named() {
    for (settings, named) in [
        (
            towards("http://127.0.0.1:1", "many", "1"),
            r#"offload_min_tokens: expected a whole number from 0 to 4294967295, got "many""#,
        ),
        (
            towards("ftp://127.0.0.1", "1", "1"),
            r#"offload_url: expected http:// or https://, got "ftp://127.0.0.1""#,
        ),
        (towards("", "1", "1"), r#"offload_url: expected http:// or https://, got """#),
        (towards("daemon:8080", "1", "1"), "offload_url: expected http:// or https://, got"),
        (
            towards("http://daemon/?key=1", "1", "1"),
            "offload_url: expected http:// or https://, without a query",
        ),
        (towards("http://me:secret@daemon", "1", "1"), "offload_url: expected http:// or https://, a host"),
        (towards("http://", "1", "1"), "offload_url: expected http:// or https://"),
        (towards("http://127.0.0.1:1", "1", "0"), "offload_timeout_ms"),
    ] {
        let edge = Edge::start(settings);
        for answer in [edge.post("/v1/rank", &good()), edge.ask("GET", "/health", "")] {
            let error = answer.json()["error"].as_str().unwrap().to_owned();
            assert!(answer.status == 503 && error.contains(named), "{} {error}", answer.status);
        }
    }
}
