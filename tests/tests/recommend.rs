//! Recommendations of a daemon with the tiny model, compared with `/v1/rank` bit by bit.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use lockstep_edge_host::Config;
use lockstep_tests::daemon::Daemon;
use lockstep_tests::http::{post, request};
use lockstep_tests::places::{need, tiny_model};
use serde_json::{Value, json};

const ITEMS: &str = "/v1/items";

fn start(items: &std::path::Path) -> Daemon {
    Daemon::with(Config {
        instances: NonZeroUsize::new(3).unwrap(),
        deadline: Duration::from_secs(120),
        items: Some(items.to_owned()),
        ..Config::native(tiny_model())
    })
}

/// Items whose order by id is not that in which they come. Every third text comes twice, so that
/// there are equal scores.
fn catalogue() -> Vec<Value> {
    let texts = [lockstep_tests::texts::hostile(), lockstep_tests::texts::graded(120, 30)].concat();
    let doubled = texts.iter().enumerate().flat_map(|(at, text)| vec![text; 1 + usize::from(at % 3 == 0)]);
    let item = |(at, text): (usize, &String)| {
        json!({
            "id": format!("{} é/{at}", at * 7919 % 1009), "text": text,
            "attributes": {"third": at % 3, "tags": [if at % 2 == 0 { "even" } else { "odd" }, at % 5]},
        })
    };
    doubled.enumerate().map(item).collect()
}

fn put(address: SocketAddr, items: &[Value]) {
    for items in items.chunks(100) {
        let (status, _, body) =
            request(address, "PUT", ITEMS, json!({ "items": items }).to_string().as_bytes());
        assert_eq!(status, 200, "{body}");
    }
}

/// The items of an answer, without the position among candidates.
fn items((status, mut answer): (u16, Value)) -> Vec<Value> {
    assert_eq!(status, 200, "{answer}");
    let items = answer["items"].as_array_mut().unwrap();
    items.iter_mut().for_each(|item| drop(item.as_object_mut().unwrap().remove("index")));
    items.clone()
}

/// What `/v1/rank` says of these items in the order of their ids.
fn ranked(address: SocketAddr, body: &Value, mut candidates: Vec<&Value>, top_n: usize) -> Vec<Value> {
    candidates.sort_by_key(|item| item["id"].as_str().unwrap());
    let mut asked = json!({"user": body["user"], "explain": true});
    asked["candidates"] =
        candidates.iter().map(|item| json!({"id": item["id"], "text": item["text"]})).collect();
    asked["top_n"] = json!(top_n.min(candidates.len()));
    asked["diversity"] = body["diversity"].clone();
    items(post(address, "/v1/rank", &asked))
}

#[test]
fn the_best_of_all_items_are_those_of_rank() {
    need(&tiny_model());
    let folder = tempfile::tempdir().unwrap();
    let mut all = catalogue();
    let histories = [
        json!([{"text": "a red bicycle"}]),
        json!([{"text": "a red bicycle", "weight": 2.5}, {"text": "good bread"}, {"text": "x", "weight": 0}]),
        json!((0..7).map(|n| json!({"text": format!("word {n}"), "weight": n + 1})).collect::<Vec<_>>()),
        json!([{"text": all[0]["text"]}]),
    ];
    for round in 0..2 {
        let daemon = start(folder.path());
        let address = daemon.address;
        if round == 0 {
            put(address, &all);
        }
        let compare = |more: Value, all: &[Value], passes: &dyn Fn(&Value) -> bool| {
            for history in &histories {
                let mut body = more.clone();
                body["user"] = json!({ "history": history });
                body["explain"] = json!(true);
                let top_n = body["top_n"].as_u64().unwrap() as usize;
                let found = items(post(address, "/v1/recommend", &body));
                let expected =
                    ranked(address, &body, all.iter().filter(|item| passes(item)).collect(), top_n);
                assert!(!found.is_empty() && found == expected, "{more} {found:?} {expected:?}");
            }
        };
        for top_n in [1, 7, 1000] {
            compare(json!({ "top_n": top_n }), &all, &|_| true);
            compare(json!({"top_n": top_n, "diversity": 0.4}), &all, &|_| true);
        }
        let third = |item: &Value, n: u64| item["attributes"]["third"] == n;
        let tagged = |item: &Value, tag: Value| item["attributes"]["tags"].as_array().unwrap().contains(&tag);
        compare(json!({"top_n": 1000, "filter": {"third": 1}}), &all, &|item| third(item, 1));
        let filter = json!({"third": [0, 2], "tags": ["odd", 4]});
        compare(json!({"top_n": 20, "filter": filter}), &all, &|item| {
            !third(item, 1) && (tagged(item, json!("odd")) || tagged(item, json!(4)))
        });
        let exclude: Vec<&Value> = all[..30].iter().map(|item| &item["id"]).collect();
        compare(json!({"top_n": 1000, "exclude": exclude}), &all, &|item| !exclude.contains(&&item["id"]));

        if round == 0 {
            // Some items get another text, some expire, some are deleted.
            for (at, item) in all[..60].iter_mut().enumerate() {
                match at % 3 {
                    0 => item["text"] = json!(format!("another text {at}")),
                    1 => item["expires"] = json!(1_000_000),
                    _ => {}
                }
            }
            put(address, &all);
            for item in all[..60].iter().skip(2).step_by(3) {
                let id: String =
                    item["id"].as_str().unwrap().bytes().map(|byte| format!("%{byte:02X}")).collect();
                assert_eq!(request(address, "DELETE", &format!("{ITEMS}/{id}"), b"").0, 200);
            }
            let mut at = 0;
            all.retain(|_| {
                at += 1;
                at > 60 || at % 3 == 1
            });
            compare(json!({"top_n": 1000}), &all, &|_| true);
        }
    }
}

#[test]
fn without_a_history_the_last_items_come_first() {
    need(&tiny_model());
    let folder = tempfile::tempdir().unwrap();
    let daemon = start(folder.path());
    let all = catalogue();
    put(daemon.address, &all[..150]);
    let ids = |body: &Value| -> Vec<Value> {
        let items = items(post(daemon.address, "/v1/recommend", body));
        items.into_iter().map(|item| item["id"].clone()).collect()
    };
    let expected = |skip: usize, step: usize| -> Vec<Value> {
        all[..150].iter().skip(skip).step_by(step).rev().map(|item| item["id"].clone()).collect()
    };
    assert_eq!(ids(&json!({"user": {"history": []}, "top_n": 1000})), expected(0, 1));
    assert_eq!(ids(&json!({"user": {"history": []}})), expected(0, 1)[..10]);
    let filter = json!({"user": {"history": []}, "top_n": 1000, "filter": {"third": 2}});
    assert_eq!(ids(&filter), expected(2, 3));
}
