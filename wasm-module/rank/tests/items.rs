//! Items that a host keeps: what is put, found and deleted, and each refusal.
#![allow(clippy::unwrap_used, missing_docs)]

mod fake;

use std::sync::Arc;

use fake::{Fake, memory::Memory, read, refused, service};
use lockstep_rank::{Item, ItemStore, Prompts, Reply, Space};
use serde_json::{Value, json};

const ITEMS: &str = "/v1/items";

fn ask(store: &Arc<Memory>, model: Fake, method: &str, path: &str, body: &Value) -> Reply {
    let store: Arc<dyn ItemStore> = Arc::<Memory>::clone(store);
    service(model).with_items(Some(store)).handle(method, path, body.to_string().as_bytes())
}

fn put(store: &Arc<Memory>, items: &Value) -> Reply {
    ask(store, Fake::embedding(), "PUT", ITEMS, &json!({ "items": items }))
}

fn get(store: &Arc<Memory>, path: &str) -> Reply {
    ask(store, Fake::embedding(), "GET", path, &json!(null))
}

#[test]
fn items_are_given_back_as_they_were_put() {
    let store = Arc::new(Memory::default());
    let hat = json!({
        "id": "hat", "text": "red hat", "expires": 253_402_300_799_u64,
        "attributes": {"kind": "hat", "price": 9.5, "sizes": [1, 2.0, -3], "sold": false, "": []},
    });
    let answer = read(&put(&store, &json!([hat, {"id": "shoes", "text": "blue shoes"}])));
    assert_eq!(
        (&answer["items"], &answer["encoded"], &answer["usage"]["tokens"]),
        (&json!(2), &json!(2), &json!(8))
    );
    let mut expected = hat;
    // One number has one form, so that a filter finds it.
    expected["attributes"]["sizes"] = json!([1, 2, -3]);
    assert_eq!(read(&get(&store, "/v1/items/hat")), expected);
    let shoes = json!({"id": "shoes", "text": "blue shoes", "attributes": {}});
    assert_eq!(read(&get(&store, "/v1/items/shoes?x=1")), shoes);

    let gone = ask(&store, Fake::embedding(), "DELETE", "/v1/items/hat", &json!(null));
    assert_eq!(read(&gone), json!({"id": "hat", "deleted": true}));
    for method in ["GET", "DELETE"] {
        let reply = ask(&store, Fake::embedding(), method, "/v1/items/hat", &json!(null));
        refused(&reply, 404, "Validation", &["no such item: \"hat\""]);
    }
}

#[test]
fn the_model_runs_once_on_each_text() {
    let store = Arc::new(Memory::default());
    let items = json!([{"id": "a", "text": "one"}, {"id": "b", "text": "two"}, {"id": "c", "text": "one"}]);
    let encoded = |reply: &Reply| read(reply)["encoded"].clone();
    assert_eq!(encoded(&put(&store, &items)), 2);
    assert_eq!(encoded(&put(&store, &items)), 0);
    assert_eq!(encoded(&put(&store, &json!([{"id": "b", "text": "one"}, {"id": "d", "text": "new"}]))), 1);
    assert_eq!(read(&get(&store, "/v1/items/b"))["text"], "one");
    // Another model, or another prompt, has vectors of its own.
    let prompted =
        || Prompts { texts: [("passage".to_owned(), "passage: ".to_owned())].into(), default: None };
    for model in [Fake::other_model(), Fake::prompted(prompted())] {
        assert_eq!(encoded(&ask(&store, model, "PUT", ITEMS, &json!({ "items": items }))), 2);
    }
    assert_eq!(store.spaces().len(), 3);
    let vector = |space: &Space, text: &str| store.vector(space, text).unwrap();
    let [plain, other, behind] = &store.spaces()[..] else { panic!() };
    assert_eq!(vector(plain, "one"), vector(other, "one"), "the fake models compute the same");
    assert_ne!(vector(plain, "one"), vector(behind, "one"));
}

#[test]
fn an_item_that_is_cut_is_named() {
    let store = Arc::new(Memory::default());
    let long = "word ".repeat(20);
    let items = json!([{"id": "a", "text": "short"}, {"id": "b", "text": long}, {"id": "c", "text": long}]);
    assert_eq!(read(&put(&store, &items))["truncated"], json!([1]));
}

#[test]
fn any_id_is_a_path_when_it_is_encoded() {
    let store = Arc::new(Memory::default());
    for id in ["a/b", "%", "ünï", "日本", "🦀", " ", "?", "#", "..", "\u{0}", "bulk", &"é".repeat(128)]
    {
        assert_eq!(put(&store, &json!([{"id": id, "text": "x"}])).status, 200, "{id:?}");
        let encoded: String = id.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let reply = get(&store, &format!("{ITEMS}/{encoded}"));
        assert_eq!(read(&reply)["id"], id);
    }
    refused(&get(&store, &format!("{ITEMS}/{}", "a".repeat(257))), 413, "Validation", &["id: 257 bytes"]);
    for path in ["/v1/items/", "/v1/items/%ff", "/v1/items/%4", "/v1/items/a/b"] {
        refused(&get(&store, path), 404, "Validation", &["no such path"]);
    }
    refused(&get(&store, ITEMS), 405, "Validation", &["/v1/items takes PUT"]);
    let reply = ask(&store, Fake::embedding(), "PATCH", "/v1/items/a", &json!(null));
    refused(&reply, 405, "Validation", &["GET or DELETE"]);
}

#[test]
fn bad_items_are_refused_by_name_and_none_is_kept() {
    let store = Arc::new(Memory::default());
    let good = json!({"id": "a", "text": "x"});
    let with = |name: &str, value: Value| {
        let mut item = json!({"id": "b", "text": "x"});
        item[name] = value;
        json!([good, item])
    };
    let many: Vec<Value> = (0..1001).map(|n| json!({"id": n.to_string(), "text": "x"})).collect();
    let long = "x".repeat((64 << 10) + 1);
    for (items, status, kind, part) in [
        (json!([]), 400, "Empty", "items: no items"),
        (json!({}), 422, "Validation", "items: expected an array"),
        (json!(many), 413, "Validation", "items: 1001 entries, the limit is 1000"),
        (json!([good, 7]), 422, "Validation", "items[1]: expected an object with id, text"),
        (json!([good, {"id": "b"}]), 422, "Validation", "items[1].text: this field is missing"),
        (json!([good, {"text": "b"}]), 422, "Validation", "items[1].id: this field is missing"),
        (json!([good, good]), 422, "Validation", "items[1].id: \"a\" is the id of items[0] already"),
        (with("id", json!("")), 400, "Empty", "items[1].id"),
        (with("id", json!(7)), 422, "Validation", "items[1].id: expected a string, got 7"),
        (with("id", json!("é".repeat(129))), 413, "Validation", "items[1].id: 258 bytes"),
        (with("text", json!(null)), 422, "Validation", "items[1].text"),
        (with("text", json!(long)), 413, "Validation", "items[1].text: 65537 bytes"),
        (with("colour", json!(1)), 422, "Validation", "unknown field \"colour\""),
        (with("attributes", json!([])), 422, "Validation", "items[1].attributes: expected an object"),
        (with("attributes", json!({"k": {}})), 422, "Validation", "items[1].attributes.k: expected a string"),
        (with("attributes", json!({"k": null})), 422, "Validation", "items[1].attributes.k"),
        (with("attributes", json!({"k": [1, []]})), 422, "Validation", "items[1].attributes.k[1]"),
        (with("attributes", json!({ "k": long })), 413, "Validation", "items[1].attributes: 65545 bytes"),
        (with("expires", json!("soon")), 422, "Validation", "items[1].expires: expected seconds since 1970"),
        (with("expires", json!(-1)), 422, "Validation", "got -1"),
        (with("expires", json!(1.5)), 422, "Validation", "got 1.5"),
        (with("expires", json!(1_800_000_000_000_u64)), 422, "Validation", "at most 253402300799"),
    ] {
        refused(&put(&store, &items), status, kind, &[part]);
        refused(&get(&store, "/v1/items/a"), 404, "Validation", &[]);
    }
    let reply = ask(&store, Fake::embedding(), "PUT", ITEMS, &json!({}));
    refused(&reply, 422, "Validation", &["items: this field is missing"]);
}

#[test]
fn a_host_without_items_or_a_model_without_vectors_says_so() {
    let body = json!({"items": [{"id": "a", "text": "x"}]}).to_string();
    for (method, path) in [("PUT", ITEMS), ("GET", "/v1/items/a"), ("DELETE", "/v1/items/a")] {
        let reply = service(Fake::embedding()).handle(method, path, body.as_bytes());
        refused(&reply, 424, "Backend", &["no items are kept here", "--items"]);
    }
    let store = Arc::new(Memory::default());
    let body = serde_json::from_str(&body).unwrap();
    let reply = ask(&store, Fake::classifier(&["a", "b"]), "PUT", ITEMS, &body);
    refused(&reply, 424, "Backend", &["/v1/items needs an embedding model"]);
    assert_eq!(store.get("a").unwrap(), None::<Item>);
}

fn bulk(store: &Arc<Memory>, body: &[u8]) -> Reply {
    let store: Arc<dyn ItemStore> = Arc::<Memory>::clone(store);
    service(Fake::embedding()).with_items(Some(store)).handle("POST", "/v1/items/bulk", body)
}

#[test]
fn each_line_is_put_or_refused_alone() {
    let store = Arc::new(Memory::default());
    let long = "word ".repeat(20);
    let lines = [
        r#"{"id": "a", "text": "red hat", "attributes": {"n": 1}}"#.to_owned(),
        String::new(),
        r#"{"id": "b"}"#.to_owned(),
        "[1]".to_owned(),
        r#"{"id": "b", "text"#.to_owned(),
        format!(r#"{{"id": "c", "text": "{long}"}}"#),
        " \r".to_owned(),
        r#"{"id": "a", "text": "blue hat", "expires": 253402300799}"#.to_owned(),
        r#"{"id": "", "text": "x"}"#.to_owned(),
    ];
    let reply = bulk(&store, lines.join("\n").as_bytes());
    assert_eq!((reply.status, reply.media_type()), (200, "application/x-ndjson"));
    let results: Vec<Value> = reply.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let good = |line: usize, id: &str, truncated: bool| json!({"line": line, "status": 200, "id": id, "truncated": truncated});
    assert_eq!((&results[0], &results[4]), (&good(1, "a", false), &good(6, "c", true)));
    assert_eq!(results[5], good(8, "a", false));
    for (at, line, status, kind, part) in [
        (1, 3, 422, "Validation", "text: this field is missing"),
        (2, 4, 422, "Validation", "body: expected an object with id, text"),
        (3, 5, 422, "Validation", "EOF"),
        (6, 9, 400, "Empty", "id: the id is"),
    ] {
        let result = &results[at];
        assert_eq!((&result["line"], &result["status"]), (&json!(line), &json!(status)), "{result}");
        assert_eq!(result["error_type"], kind);
        assert!(result["error"].as_str().unwrap().contains(part), "{result}");
    }
    assert_eq!(results.len(), 7);
    assert_eq!(read(&get(&store, "/v1/items/a"))["text"], "blue hat", "the later line stays");
    refused(&get(&store, "/v1/items/b"), 404, "Validation", &[]);

    refused(&bulk(&store, b""), 400, "Empty", &["body: no lines"]);
    let many = "{\"id\": \"a\", \"text\": \"x\"}\n".repeat(1001);
    refused(
        &bulk(&store, many.as_bytes()),
        413,
        "Validation",
        &["body: 1001 lines up to here, the limit is 1000"],
    );
    let reply = service(Fake::embedding()).handle("POST", "/v1/items/bulk", b"{}");
    refused(&reply, 424, "Backend", &["no items are kept here"]);
}
