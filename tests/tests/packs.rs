//! Vector packs that `edge-host` writes, with the tiny model: a ranking by ids has the scores of a
//! ranking by texts, to the last bit.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use lockstep_edge_host::{Config, PackSource, pack};
use lockstep_module::TextModel;
use lockstep_rank::{Limits, Service, monotonic_ms};
use lockstep_tests::daemon::Daemon;
use lockstep_tests::http::request;
use lockstep_tests::places::{need, tiny_model};
use serde_json::{Value, json};

fn catalogue() -> Vec<Value> {
    let texts = [lockstep_tests::texts::hostile(), lockstep_tests::texts::graded(60, 30)].concat();
    let item = |(at, text): (usize, &String)| json!({"id": format!("é {}", at * 7919 % 1009), "text": text});
    texts.iter().enumerate().map(item).collect()
}

fn service() -> Service<TextModel> {
    Service::new(TextModel::open_folder(&tiny_model()).unwrap(), Limits::default(), monotonic_ms)
}

/// The items of an answer, and the tokens that it counts.
fn ranked(service: &mut Service<TextModel>, candidates: &[Value]) -> (Value, Value) {
    let history = json!([{"text": "a red bicycle"}, {"text": "good bread", "weight": 0.5}]);
    let body = json!({"user": {"history": history}, "candidates": candidates, "explain": true});
    let reply = service.handle("POST", "/v1/rank", body.to_string().as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.body);
    let answer: Value = serde_json::from_str(&reply.body).unwrap();
    (answer["items"].clone(), answer["usage"]["tokens"].clone())
}

/// Ranks by the ids of a pack, and compares with the ranking of the texts.
fn compare(file: &Path) {
    let mut packed = service();
    let head = packed.load_pack(fs::read(file).unwrap()).unwrap();
    let all = catalogue();
    assert_eq!(head.items, all.len());
    let ids: Vec<Value> = all.iter().map(|item| json!({"id": item["id"]})).collect();
    let (items, tokens) = ranked(&mut packed, &ids);
    let (expected, _) = ranked(&mut service(), &all);
    assert_eq!(items, expected);
    let (_, history) = ranked(&mut service(), &[json!({"id": "a", "text": "a text of its own"})]);
    let (_, of_both) =
        ranked(&mut packed, &[json!({"id": "a", "text": "a text of its own"}), ids[0].clone()]);
    assert!(tokens.as_u64() < history.as_u64() && of_both == history, "{tokens} {of_both} {history}");
}

#[test]
fn a_pack_of_lines_ranks_like_the_texts() {
    need(&tiny_model());
    let folder = tempfile::tempdir().unwrap();
    let (lines, out) = (folder.path().join("items"), folder.path().join("pack"));
    fs::write(&lines, catalogue().iter().map(|item| format!("{item}\r\n\n")).collect::<String>()).unwrap();
    let line = pack(&tiny_model(), &PackSource::Lines(lines.clone()), &out).unwrap();
    assert!(line.contains(&format!("{} items", catalogue().len())), "{line}");
    compare(&out);
    for (text, part) in [
        (
            "{\"id\": \"a\", \"text\": \"x\"}\n{\"id\": \"a\", \"text\": \"y\"}",
            "line 2: \"a\" is the id of line 1",
        ),
        ("\n{\"id\": \"\", \"text\": \"x\"}", "line 2: an id of 0 bytes"),
        ("{\"id\": \"a\"}", "line 1: missing field `text`"),
        ("[", "line 1: "),
    ] {
        fs::write(&lines, text).unwrap();
        let error = pack(&tiny_model(), &PackSource::Lines(lines.clone()), &out).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    // A pack that is not made leaves the old one in its place, and nothing beside it.
    compare(&out);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_pack_of_a_folder_is_that_of_its_daemon() {
    need(&tiny_model());
    let folder = tempfile::tempdir().unwrap();
    let (items, out) = (folder.path().join("items"), folder.path().join("pack"));
    let error = pack(&tiny_model(), &PackSource::Folder(items.clone()), &out).unwrap_err().to_string();
    assert!(error.contains("no folder of items"), "{error}");
    let daemon = Daemon::with(Config { items: Some(items.clone()), ..Config::native(tiny_model()) });
    let body = json!({ "items": catalogue() }).to_string();
    let (status, _, answer) = request(daemon.address, "PUT", "/v1/items", body.as_bytes());
    assert_eq!(status, 200, "{answer}");
    let error = pack(&tiny_model(), &PackSource::Folder(items.clone()), &out).unwrap_err().to_string();
    assert!(error.contains("another process uses this folder"), "{error}");
    drop(daemon);
    let line = pack(&tiny_model(), &PackSource::Folder(items), &out).unwrap();
    assert!(!line.contains("no vector"), "{line}");
    compare(&out);
}
