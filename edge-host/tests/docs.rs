//! The description of the daemon, and the page that shows it.
#![allow(clippy::unwrap_used, missing_docs)]

mod stand_in;

use std::fs;

use lockstep_edge_host::keys::make;
use serde_json::{Value, json};
use stand_in::{Answer, Daemon, Folder, request};

#[tokio::test]
async fn the_document_has_all_routes_and_their_scopes() {
    let daemon = Daemon::ready(|_| {}).await;
    let answer = daemon.ask("GET", "/openapi.json", "").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let document: Value = serde_json::from_str(&answer.body).unwrap();
    let scope = |method: &str, path: &str| {
        let operation = &document["paths"][path][method];
        assert!(operation["summary"].is_string(), "{method} {path}");
        let keys = operation.get("security").map_or(0, |security| security.as_array().unwrap().len());
        let words = operation["description"].as_str().map(|words| words.rsplit('`').nth(1).unwrap());
        assert_eq!(keys, if words.is_some() { 3 } else { 0 }, "{method} {path}");
        words
    };
    assert_eq!(scope("post", "/v1/rank"), Some("score"));
    assert_eq!((scope("put", "/v1/items"), scope("get", "/v1/items/{id}")), (Some("write"), Some("score")));
    assert_eq!((scope("get", "/metrics"), scope("get", "/openapi.json")), (Some("metrics"), Some("score")));
    assert_eq!((scope("get", "/docs"), scope("get", "/health")), (None, None));
    assert_eq!(scope("get", "/v1/items.pack"), Some("score"));
    assert!(document["paths"]["/v1/items.pack"]["get"]["responses"]["410"].is_object());
    // The stand-in's model and limits are in force.
    let ids = &document["paths"]["/embed"]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]
        ["inputs"]["anyOf"][1]["items"];
    assert_eq!(ids["maximum"], json!(255), "{ids}");
    for path in ["/openapi.json", "/metrics", "/docs", "/docs/page.js", "/v1/items.pack"] {
        let refused = daemon.ask("POST", path, "{}").await;
        refused.refuses(405, "Validation", &format!("{path} takes GET"));
        assert_eq!(refused.header("allow"), Some("GET, HEAD"));
    }
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let daemon = Daemon::ready(|_| {}).await;
    for (path, kind) in
        [("/docs", "text/html"), ("/docs/page.js", "text/javascript"), ("/docs/page.css", "text/css")]
    {
        let answer = daemon.ask("GET", path, "").await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), Some(&*format!("{kind}; charset=utf-8")));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let policy = answer.header("content-security-policy").unwrap();
        for part in
            ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        for part in ["://", "innerHTML", "onclick", "style=", "unsafe"] {
            assert!(!answer.body.contains(part), "{path} has {part}");
        }
    }
    assert_eq!(daemon.ask("GET", "/docs/other", "").await.status, 404);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn the_page_needs_no_key_and_the_document_does() {
    let folder = Folder::new();
    let file = folder.0.join("keys.toml");
    let key = make("shop").unwrap();
    fs::write(&file, key.entry).unwrap();
    let daemon = Daemon::ready(|config| config.keys = Some(file.clone())).await;
    assert_eq!(daemon.ask("GET", "/docs", "").await.status, 200);
    assert_eq!(daemon.ask("GET", "/docs/page.js", "").await.status, 200);
    daemon.ask("GET", "/openapi.json", "").await.refuses(401, "Unauthorized", "Authorization: Bearer");
    let mut client = daemon.client().await;
    let header = format!("host: localhost\r\nauthorization: Bearer {}", key.key);
    client.send(request("GET", "/openapi.json", "").replacen("host: localhost", &header, 1)).await;
    let answer: Answer = client.answer(true).await;
    assert_eq!(answer.status, 200);
    daemon.stop().await.unwrap();
}
