//! The OpenAPI document says what the service does: its examples are sent, its fields are read, and
//! its schemas are those of the answers.
#![cfg(feature = "openapi")]
#![allow(clippy::unwrap_used)]

mod fake;
mod schema;

use std::{collections::BTreeSet, sync::Arc};

use fake::{Fake, memory::Memory, read, service};
use lockstep_rank::{Problem, Reply, Service, TextEncoder as _, openapi};
use schema::misfit;
use serde_json::{Value, json};

/// Values one of which every field but an ignored one refuses.
fn odd() -> [Value; 6] {
    [json!({"odd": {"odd": 1}}), json!("odd"), json!(1.5), json!(-7), json!(true), json!([[[]]])]
}

/// Services with a model of each kind. The first one keeps an item `a`.
fn services() -> Vec<Service<Fake>> {
    let mut keeping = service(Fake::embedding()).with_items(Some(Arc::new(Memory::default())));
    let item = br#"{"items": [{"id": "a", "text": "b c"}]}"#;
    assert_eq!(keeping.handle("PUT", "/v1/items", item).status, 200);
    vec![keeping, service(Fake::classifier(&["one"])), service(Fake::classifier(&["one", "two"]))]
}

fn described(service: &Service<Fake>) -> Value {
    openapi(service.encoder().info(), service.limits())
}

/// An operation of a document.
struct Operation<'a> {
    method: String,
    path: String,
    value: &'a Value,
}

impl Operation<'_> {
    /// The only content of a body: its schema and its examples.
    fn content(body: &Value) -> (&Value, Vec<&Value>) {
        let content = body["content"].as_object().unwrap().values().next().unwrap();
        let examples = content["examples"].as_object().unwrap().values();
        (&content["schema"], examples.map(|example| &example["value"]).collect())
    }

    /// The schema and the examples of its requests.
    fn request(&self) -> Option<(&Value, Vec<&Value>)> {
        self.value.get("requestBody").map(Self::content)
    }

    /// The path with the examples of its parts.
    fn example_path(&self) -> String {
        let parts = self.value["parameters"].as_array().into_iter().flatten();
        parts.fold(self.path.clone(), |path, part| {
            let name = format!("{{{}}}", part["name"].as_str().unwrap());
            path.replace(&name, part["example"].as_str().unwrap())
        })
    }

    fn send(&self, service: &mut Service<Fake>, body: &Value) -> Reply {
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        service.handle(&self.method, &self.example_path(), body.as_bytes())
    }

    /// Why the answer contradicts the document.
    fn contradiction(&self, document: &Value, reply: &Reply) -> Option<String> {
        let Some(response) = self.value["responses"].get(reply.status.to_string()) else {
            return Some(format!("the status {} is not described", reply.status));
        };
        let there = response.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#'));
        let response = there.map_or(response, |path| document.pointer(path).unwrap());
        let content = response["content"].get(reply.media_type());
        let Some(content) = content else { return Some(format!("no content {}", reply.media_type())) };
        let body = if reply.media_type() == "application/json" { read(reply) } else { json!(reply.body) };
        misfit(document, &content["schema"], &body)
    }
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object().unwrap().iter();
    let each = paths.flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(|(method, value)| Operation {
            method: method.to_uppercase(),
            path: path.clone(),
            value,
        })
    });
    each.collect()
}

#[test]
fn every_route_is_described_once() {
    let mut service = services().remove(0);
    let document = described(&service);
    assert_eq!(document["openapi"], "3.1.0");
    let all = operations(&document);
    let plain = |path: &str| {
        let part = |part: &str| if part.starts_with('{') { "{}".to_owned() } else { part.to_owned() };
        path.split('/').map(part).collect::<Vec<_>>().join("/")
    };
    let found: BTreeSet<String> = all.iter().map(|one| plain(&one.path)).collect();
    let refusal = read(&service.handle("GET", "/nowhere", b""));
    let (_, known) = refusal["error"].as_str().unwrap().split_once("there are ").unwrap();
    assert_eq!(found, known.split(", ").map(str::to_owned).collect());
    let ids: BTreeSet<&str> = all.iter().map(|one| one.value["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), all.len());
    for one in &all {
        let reply = service.handle(&one.method, &one.example_path(), b"{}");
        let missed = reply.status == 405 || reply.body.contains("no such path");
        assert!(!missed, "{} {}: {}", one.method, one.path, reply.body);
        // A path that is asked with no method of its own tells all of them.
        let reply = service.handle("BREW", &one.example_path(), b"");
        let allowed = reply.headers().remove(0).1;
        assert_eq!(reply.status, 405, "{}", one.path);
        let methods: BTreeSet<&str> = allowed.split(", ").filter(|method| *method != "HEAD").collect();
        // `/v1/items/bulk` is also an item that may have this id.
        let here = all.iter().filter(|other| plain(&other.path) == plain(&one.path));
        let here = here.map(|other| other.method.as_str()).collect();
        assert!(methods.is_superset(&here), "{}: {methods:?}, {here:?}", one.path);
        assert!(one.path == "/v1/items/bulk" || methods == here, "{}: {methods:?}, {here:?}", one.path);
    }
}

#[test]
fn examples_fit_their_schemas_and_are_answered_as_described() {
    for (kind, mut service) in services().into_iter().enumerate() {
        let document = described(&service);
        for one in operations(&document) {
            let name = format!("{kind}: {} {}", one.method, one.path);
            let answered = one.value["responses"].get("200");
            let (schema, examples) = answered.map_or((&Value::Null, Vec::new()), Operation::content);
            for example in examples {
                assert_eq!(misfit(&document, schema, example), None, "{name}: {example}");
            }
            let nothing = json!("");
            let (schema, examples) = one.request().unwrap_or((&Value::Null, vec![&nothing]));
            for example in examples {
                if schema.is_object() {
                    assert_eq!(misfit(&document, schema, example), None, "{name}: {example}");
                }
                let reply = one.send(&mut service, example);
                assert_eq!(one.contradiction(&document, &reply), None, "{name}: {example}: {}", reply.body);
                // Only what needs another model or items is refused.
                let refused = kind > 0 || one.path == "/predict" || answered.is_none();
                let allowed = if refused { &[200, 424][..] } else { &[200] };
                // An example of `DELETE` deletes what `GET` asks for next.
                let gone = one.path == "/v1/items/{id}" && reply.status == 404;
                assert!(allowed.contains(&reply.status) || gone, "{name}: {example}: {}", reply.body);
                let classifies = one.path == "/predict" || one.path == "/";
                assert!(!classifies || kind == 0 || reply.status == 200, "{name}: {}", reply.body);
            }
        }
    }
}

#[test]
fn refusals_are_those_that_the_code_writes() {
    let document = described(&services().remove(0));
    for (name, response) in document["components"]["responses"].as_object().unwrap() {
        let (schema, examples) = Operation::content(response);
        assert!(!examples.is_empty(), "{name}");
        for example in examples {
            assert_eq!(misfit(&document, schema, example), None, "{name}: {example}");
        }
    }
    for one in operations(&document) {
        let refusal = Reply::refusal(&Problem::stopping()).shaped_for(&one.path);
        assert_eq!(one.contradiction(&document, &refusal), None, "{} {}", one.method, one.path);
        let wants_key = Reply::refusal(&Problem::Unauthorized("no key".into())).shaped_for(&one.path);
        assert_eq!(one.contradiction(&document, &wants_key), None, "{} {}", one.method, one.path);
    }
}

#[test]
fn every_described_field_is_read_and_no_other_one() {
    let mut count = 0;
    for mut service in services() {
        let document = described(&service);
        for one in operations(&document) {
            let Some((schema, examples)) =
                one.request().filter(|(schema, _)| schema.get("properties").is_some())
            else {
                continue;
            };
            let example = examples[0];
            let whole = one.send(&mut service, example);
            if whole.status != 200 {
                continue;
            }
            let asked = |service: &mut _, name: &str, value: Value| {
                let mut body = example.clone();
                body[name] = value;
                one.send(service, &body)
            };
            for (name, field) in schema["properties"].as_object().unwrap() {
                let Some(wrong) = odd().into_iter().find(|odd| misfit(&document, field, odd).is_some())
                else {
                    assert!(field["description"].as_str().unwrap().starts_with("Ignored"), "{name}: {field}");
                    continue;
                };
                let reply = asked(&mut service, name, wrong.clone());
                let named = reply.body.contains(name.as_str());
                assert!(reply.status >= 400 && named, "{} {name} {wrong}: {}", one.path, reply.body);
                count += 1;
            }
            for name in schema["required"].as_array().unwrap() {
                let mut body = example.clone();
                body.as_object_mut().unwrap().remove(name.as_str().unwrap());
                assert!(one.send(&mut service, &body).status >= 400, "{} without {name}", one.path);
            }
            let more = asked(&mut service, "unheard_of", json!(1));
            let closed = schema.get("additionalProperties").is_some();
            assert_eq!(more.status, if closed { 422 } else { 200 }, "{}: {}", one.path, more.body);
        }
    }
    assert!(count > 100, "{count} fields");
}
