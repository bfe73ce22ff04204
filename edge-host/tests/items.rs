//! A daemon that keeps items, over HTTP.
#![allow(clippy::unwrap_used, missing_docs)]

mod stand_in;

use std::fs;

use serde_json::{Value, json};
use stand_in::{Daemon, Folder, keyed, request};

const ITEMS: &str = "/v1/items";

fn body(id: &str, text: &str) -> String {
    json!({"items": [{"id": id, "text": text, "attributes": {"n": 1}}]}).to_string()
}

#[tokio::test]
async fn what_is_acknowledged_is_there_after_a_new_start() {
    let folder = Folder::new();
    let items = folder.0.join("items");
    for round in 0..2 {
        let daemon = Daemon::ready(|config| config.items = Some(items.clone())).await;
        let put = daemon.ask("PUT", ITEMS, &body("a/ü", "red hat")).await;
        let answer: Value = serde_json::from_str(&put.body).unwrap();
        assert_eq!((put.status, &answer["items"]), (200, &json!(1)), "{put:?}");
        // The second daemon knows the vector.
        assert_eq!(answer["encoded"], json!(1 - round));
        let item = daemon.ask("GET", "/v1/items/a%2F%C3%BC", "").await;
        let item: Value = serde_json::from_str(&item.body).unwrap();
        assert_eq!(item, json!({"id": "a/ü", "text": "red hat", "attributes": {"n": 1}}));
        daemon.stop().await.unwrap();
    }
    let daemon = Daemon::ready(|config| config.items = Some(items.clone())).await;
    assert_eq!(daemon.ask("DELETE", "/v1/items/a%2F%C3%BC", "").await.status, 200);
    for method in ["GET", "DELETE"] {
        let gone = daemon.ask(method, "/v1/items/a%2F%C3%BC", "").await;
        gone.refuses(404, "Validation", "no such item: \"a/ü\"");
    }
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn an_item_that_has_expired_is_not_there() {
    let folder = Folder::new();
    let daemon = Daemon::ready(|config| config.items = Some(folder.0.join("items"))).await;
    let items = json!({"items": [
        {"id": "old", "text": "a", "expires": 1}, {"id": "new", "text": "a", "expires": 253_402_300_799_u64},
    ]});
    assert_eq!(daemon.ask("PUT", ITEMS, &items.to_string()).await.status, 200);
    daemon.ask("GET", "/v1/items/old", "").await.refuses(404, "Validation", "no such item: \"old\"");
    assert_eq!(daemon.ask("GET", "/v1/items/new", "").await.status, 200);
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_daemon_without_items_names_the_setting() {
    let daemon = Daemon::ready(|_| {}).await;
    for (method, path) in [("PUT", ITEMS), ("GET", "/v1/items/a"), ("DELETE", "/v1/items/a")] {
        daemon.ask(method, path, &body("a", "x")).await.refuses(424, "Backend", "--items");
    }
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_ends_the_start() {
    let folder = Folder::new();
    let file = folder.0.join("file");
    fs::write(&file, "x").unwrap();
    let daemon = Daemon::start("model", |config| config.items = Some(file)).await;
    let error = daemon.ended().await.unwrap_err().to_string();
    assert!(error.starts_with("--items ") && error.contains("/file: "), "{error}");
    let items = folder.0.join("items");
    let first = Daemon::ready(|config| config.items = Some(items.clone())).await;
    let second = Daemon::start("model", |config| config.items = Some(items)).await;
    let error = second.ended().await.unwrap_err().to_string();
    assert!(error.contains("another process uses this folder"), "{error}");
    first.stop().await.unwrap();
}

#[tokio::test]
async fn changes_need_the_scope_write() {
    let folder = Folder::new();
    let (daemon, [shop, filler]) = keyed(&folder).await;
    for (method, path, writes) in
        [("PUT", ITEMS, true), ("GET", "/v1/items/a", false), ("DELETE", "/v1/items/a", true)]
    {
        for (key, may) in [(&shop, !writes), (&filler, writes)] {
            let mut client = daemon.client().await;
            let head = format!("host: localhost\r\nx-api-key: {key}");
            client.send(request(method, path, &body("a", "x")).replacen("host: localhost", &head, 1)).await;
            let answer = client.answer(true).await;
            assert_eq!(answer.status, if may { 200 } else { 403 }, "{method} {answer:?}");
        }
    }
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn lines_are_answered_by_lines() {
    let folder = Folder::new();
    let daemon = Daemon::ready(|config| config.items = Some(folder.0.join("items"))).await;
    let lines = "{\"id\": \"a\", \"text\": \"x\"}\r\n\n{\"id\": \"b\"}\n";
    let answer = daemon.ask("POST", "/v1/items/bulk", lines).await;
    assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
    let results: Vec<Value> = answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let found: Vec<_> = results.iter().map(|result| (&result["line"], &result["status"])).collect();
    assert_eq!(found, [(&json!(1), &json!(200)), (&json!(3), &json!(422))]);
    assert_eq!(daemon.ask("GET", "/v1/items/a", "").await.status, 200);
    daemon.ask("POST", "/v1/items/bulk", "\n").await.refuses(400, "Empty", "body: no lines");
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn pinned_items_keep_their_scores() {
    let folder = Folder::new();
    let daemon = Daemon::ready(|config| {
        config.items = Some(folder.0.join("items"));
        // The stand-in gives a text another vector each time.
        config.vector_bytes = 1 << 20;
    })
    .await;
    for (id, text) in [("a", "one"), ("b", "word two"), ("c", "three"), ("d", "word")] {
        assert_eq!(daemon.ask("PUT", ITEMS, &body(id, text)).await.status, 200);
    }
    let found = async |more: Value| -> Value {
        let mut asked = json!({"user": {"history": [{"text": "word"}]}});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = daemon.ask("POST", "/v1/recommend", &asked.to_string()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_str(&answer.body).unwrap()
    };
    let all = found(json!({})).await;
    let score = |answer: &Value, id: &str| -> f64 {
        let item = answer["items"].as_array().unwrap().iter().find(|item| item["id"] == id);
        item.unwrap()["score"].as_f64().unwrap()
    };
    let answer = found(json!({"pinned": ["c", "gone", "a"], "top_n": 3})).await;
    let ids: Vec<&Value> = answer["items"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
    assert_eq!(ids, ["c", "a", "d"]);
    assert_eq!(answer["unknown"], json!({"history": [], "pinned": [1]}));
    for id in ["c", "a", "d"] {
        assert_eq!(score(&answer, id), score(&all, id), "{id}");
    }
    daemon.stop().await.unwrap();
}

#[tokio::test]
async fn a_new_model_gets_the_vectors_of_all_items() {
    let folder = Folder::new();
    let items = folder.0.join("items");
    let old = Daemon::ready(|config| config.items = Some(items.clone())).await;
    let all: Vec<Value> =
        (0..50).map(|n| json!({"id": n.to_string(), "text": format!("word {n}")})).collect();
    assert_eq!(old.ask("PUT", ITEMS, &json!({ "items": all }).to_string()).await.status, 200);
    old.stop().await.unwrap();

    // A model that reads less of a text has vectors of its own.
    let new = Daemon::ready(|config| {
        let manifest = config.model.join("lockstep.json");
        let text = fs::read_to_string(&manifest).unwrap();
        let other = text.replace("\"max_input_length\":64", "\"max_input_length\":32");
        assert_ne!(text, other);
        fs::write(manifest, other).unwrap();
        config.items = Some(items);
    })
    .await;
    let asked = json!({"user": {"history": [{"text": "word"}]}, "top_n": 1000}).to_string();
    let found = async || {
        let answer = new.ask("POST", "/v1/recommend", &asked).await;
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        answer["items"].as_array().unwrap().len()
    };
    let filled = async {
        while found().await < 50 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), filled).await.unwrap();
    new.stop().await.unwrap();
}
