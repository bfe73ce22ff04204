//! Recommendations from the items that a host keeps.
#![allow(clippy::unwrap_used, missing_docs)]

mod fake;

use std::sync::Arc;

use fake::{Fake, memory::Memory, read, refused, service};
use lockstep_rank::{ItemStore, Prompts, Reply, fill};
use serde_json::{Value, json};

const PATH: &str = "/v1/recommend";
const TEXTS: [(&str, &str); 5] = [
    ("bread", "good bread"),
    ("cap", "red hat"),
    ("hat", "red hat"),
    ("lamp", "bicycle lamp"),
    ("tyre", "bicycle tyre"),
];

fn prompts() -> Prompts {
    let texts = [("query", "query: "), ("passage", "passage: ")];
    Prompts { texts: texts.map(|(name, text)| (name.to_owned(), text.to_owned())).into(), default: None }
}

fn ask(store: &Arc<Memory>, model: Fake, method: &str, path: &str, body: &Value) -> Reply {
    let store: Arc<dyn ItemStore> = Arc::<Memory>::clone(store);
    service(model).with_items(Some(store)).handle(method, path, body.to_string().as_bytes())
}

/// A store with [`TEXTS`] for a model with prompts. The attributes are the length of the id, and
/// the words of the text.
fn filled() -> Arc<Memory> {
    let store = Arc::new(Memory::default());
    let items: Vec<Value> = TEXTS
        .iter()
        .map(|(id, text)| {
            let words: Vec<&str> = text.split(' ').collect();
            json!({"id": id, "text": text, "attributes": {"length": id.len(), "words": words}})
        })
        .collect();
    let reply = ask(&store, Fake::prompted(prompts()), "PUT", "/v1/items", &json!({ "items": items }));
    assert_eq!(reply.status, 200, "{}", reply.body);
    store
}

fn recommend(body: &Value) -> Reply {
    ask(&filled(), Fake::prompted(prompts()), "POST", PATH, body)
}

fn served(body: &Value) -> Value {
    let reply = recommend(body);
    assert_eq!(reply.status, 200, "{}", reply.body);
    read(&reply)
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// The items of an answer without the position among candidates.
fn items(mut answer: Value) -> Vec<Value> {
    let items = answer["items"].as_array_mut().unwrap();
    items.iter_mut().for_each(|item| drop(item.as_object_mut().unwrap().remove("index")));
    items.clone()
}

#[test]
fn scores_are_those_of_rank() {
    let candidates: Vec<Value> = TEXTS.iter().map(|(id, text)| json!({"id": id, "text": text})).collect();
    for diversity in [0.0, 0.25, 0.5, 1.0] {
        for history in [
            json!([{"text": "red hat"}]),
            json!([{"text": "bicycle bell", "weight": 3.5}, {"text": "bread", "weight": 0}, {"text": "x"}]),
        ] {
            let mut body = json!({
                "user": {"history": history}, "diversity": diversity, "explain": true, "top_n": 4,
            });
            let found = served(&body);
            body["candidates"] = json!(candidates);
            let reply =
                service(Fake::prompted(prompts())).handle("POST", "/v1/rank", body.to_string().as_bytes());
            assert_eq!(items(found), items(read(&reply)));
        }
    }
}

#[test]
fn an_item_in_the_history_is_its_text_and_is_not_shown_again() {
    let body =
        |entry: Value, seen: bool| json!({"user": {"history": [entry]}, "seen": seen, "explain": true});
    let by_text = served(&body(json!({"text": "red hat", "weight": 2}), false));
    assert_eq!(by_text["items"].as_array().unwrap().len(), 5);
    assert_eq!(items(served(&body(json!({"item": "hat", "weight": 2}), true))), items(by_text.clone()));
    let mut left = items(by_text);
    left.retain(|item| item["id"] != "hat");
    assert_eq!(items(served(&body(json!({"item": "hat", "weight": 2}), false))), left);
}

#[test]
fn filters_and_exclusions_leave_items_out() {
    let found = |more: Value| {
        let mut body = json!({"user": {"history": []}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = served(&body);
        ids(&answer).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(found(json!({})), ["tyre", "lamp", "hat", "cap", "bread"], "the last ones first");
    assert_eq!(found(json!({"top_n": 2, "exclude": ["tyre", "nobody"]})), ["lamp", "hat"]);
    assert_eq!(found(json!({"filter": {"length": 3.0}})), ["hat", "cap"]);
    assert_eq!(found(json!({"filter": {"words": "bicycle"}})), ["tyre", "lamp"]);
    assert_eq!(found(json!({"filter": {"words": ["red", "bread"], "length": [5, 7]}})), ["bread"]);
    assert_eq!(found(json!({"filter": {"length": "3"}})), [""; 0], "a string is no number");
    assert_eq!(found(json!({"filter": {"nothing": true}})), [""; 0]);
}

#[test]
fn pinned_items_come_first_with_their_scores() {
    for history in [json!([]), json!([{"text": "red hat"}])] {
        let all = served(&json!({"user": {"history": history}, "explain": true}));
        let of = |id: &str| {
            let found = all["items"].as_array().unwrap().iter().find(|item| item["id"] == id);
            let mut item = found.unwrap().clone();
            item["pinned"] = json!(true);
            item
        };
        let answer = served(&json!({
            "user": {"history": history}, "pinned": ["lamp", "nobody", "bread"], "top_n": 3, "explain": true,
            "filter": {"words": "red"},
        }));
        assert_eq!(answer["items"].as_array().unwrap()[..2], [of("lamp"), of("bread")]);
        let (third, place) = (&answer["items"][2], &answer["unknown"]);
        assert!(third["id"] == "cap" || third["id"] == "hat", "{answer}");
        assert_eq!((third.get("pinned"), place), (None, &json!({"history": [], "pinned": [1]})));
        let answer = served(&json!({"user": {"history": history}, "pinned": ["hat"], "top_n": 1}));
        assert_eq!((ids(&answer), answer.get("unknown")), (vec!["hat"], None));
    }
    // What the person has seen may be pinned.
    let answer = served(&json!({"user": {"history": [{"item": "hat"}]}, "pinned": ["hat"]}));
    assert_eq!(ids(&answer)[0], "hat");
    assert_eq!(ids(&answer).iter().filter(|&&id| id == "hat").count(), 1);
}

/// `cap` and `hat` have one text: novelty keeps the one apart if the other is pinned.
#[test]
fn diversity_counts_the_pinned_items() {
    let body = json!({
        "user": {"history": [{"text": "red hat"}]}, "pinned": ["cap"], "diversity": 0.75, "top_n": 4,
    });
    let answer = served(&body);
    assert_eq!(ids(&answer)[0], "cap");
    assert!(!ids(&answer).contains(&"hat"), "{answer}");
}

#[test]
fn without_a_history_the_answer_says_so() {
    let answer =
        served(&json!({"user": {"history": [{"item": "gone"}]}, "with": ["text", "attributes", "expires"]}));
    assert_eq!(answer["cold_start"], "the items that came last, because no history is known");
    assert_eq!((&answer["unknown"], answer.get("truncated")), (&json!({"history": [0]}), None));
    let tyre = json!({
        "id": "tyre", "score": 0.0, "text": "bicycle tyre",
        "attributes": {"length": 4, "words": ["bicycle", "tyre"]},
    });
    assert_eq!(answer["items"][0], tyre);
    let long = "word ".repeat(20);
    let answer = served(&json!({"user": {"history": [{"item": "gone"}, {"text": long}]}}));
    assert_eq!(answer.get("cold_start"), None);
    assert_eq!((&answer["unknown"]["history"], &answer["truncated"]["history"]), (&json!([0]), &json!([1])));
}

#[test]
fn another_model_has_no_items_until_it_has_their_vectors() {
    let body = json!({"user": {"history": [{"text": "x"}]}});
    let store = filled();
    let found = |store: &Arc<Memory>| items(read(&ask(store, Fake::embedding(), "POST", PATH, &body)));
    assert_eq!(found(&store), [json!(null); 0], "the vectors are of another prompt");
    let mut model = Fake::embedding();
    let (mut after, mut rounds) = (0, 0);
    while let Some(last) = fill(&mut model, &*store, after, 2).unwrap() {
        assert!(last > after);
        (after, rounds) = (last, rounds + 1);
        assert!(!found(&store).is_empty());
    }
    // Two items have one text, so the second of them has its vector already.
    assert_eq!((found(&store).len(), rounds), (5, 2));
}

#[test]
fn bad_requests_are_refused_by_name() {
    let good = json!({"user": {"history": [{"text": "x"}]}});
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let history = |history: Value| json!({"user": {"history": history}});
    let many: Vec<Value> = (0..1001).map(|n| json!(n.to_string())).collect();
    for (body, status, kind, part) in [
        (json!({}), 422, "Validation", "user: this field is missing"),
        (json!({"user": {}}), 422, "Validation", "user.history: this field is missing"),
        (json!({"user": {"id": "a"}}), 422, "Validation", "unknown field \"id\""),
        (history(json!({})), 422, "Validation", "user.history: expected an array of {text, weight}"),
        (
            history(json!([{}])),
            422,
            "Validation",
            "user.history[0].text: this field is missing, and so is item",
        ),
        (
            history(json!([{"text": "x", "item": "y"}])),
            422,
            "Validation",
            "user.history[0]: both text and item",
        ),
        (history(json!([{"text": 7}])), 422, "Validation", "user.history[0].text"),
        (history(json!([{"item": ""}])), 400, "Empty", "user.history[0].item"),
        (history(json!([{"item": "x".repeat(257)}])), 413, "Validation", "user.history[0].item: 257 bytes"),
        (history(json!([{"text": "x", "weight": -1}])), 422, "Validation", "user.history[0].weight"),
        (history(json!([{"text": "x", "weight": 0}])), 422, "Validation", "all 1 weights are 0"),
        (history(json!(many)), 413, "Validation", "user.history: 1001 entries"),
        (with("top_n", json!(0)), 422, "Validation", "top_n: expected a whole number from 1 to 1000"),
        (with("top_n", json!(1001)), 422, "Validation", "top_n"),
        (with("diversity", json!(1.5)), 422, "Validation", "diversity"),
        (with("explain", json!(1)), 422, "Validation", "explain"),
        (with("seen", json!("no")), 422, "Validation", "seen"),
        (with("exclude", json!("a")), 422, "Validation", "exclude: expected an array of ids"),
        (with("exclude", json!([7])), 422, "Validation", "exclude[0]"),
        (with("exclude", json!(many)), 413, "Validation", "exclude: 1001 entries"),
        (with("pinned", json!("a")), 422, "Validation", "pinned: expected an array of ids"),
        (with("pinned", json!(many)), 413, "Validation", "pinned: 1001 entries"),
        (with("pinned", json!(["a", "b", "a"])), 422, "Validation", "pinned[2]: \"a\" is pinned already"),
        (
            json!({"user": {"history": []}, "pinned": ["b", "a"], "exclude": ["a"]}),
            422,
            "Validation",
            "pinned[1]: \"a\" is in exclude too",
        ),
        (
            json!({"user": {"history": []}, "pinned": ["b", "a"], "top_n": 1}),
            422,
            "Validation",
            "pinned: 2 ids, and the answer has top_n = 1 items",
        ),
        (with("filter", json!([])), 422, "Validation", "filter: expected an object"),
        (with("filter", json!({"k": {}})), 422, "Validation", "filter.k"),
        (with("filter", json!({"k": []})), 400, "Empty", "filter.k: no values"),
        (with("filter", json!({"k": [null]})), 422, "Validation", "filter.k[0]"),
        (with("with", json!(["colour"])), 422, "Validation", "with[0]: expected text, attributes or expires"),
        (with("colour", json!(1)), 422, "Validation", "unknown field \"colour\""),
    ] {
        refused(&recommend(&body), status, kind, &[part]);
    }
    let reply = service(Fake::embedding()).handle("POST", PATH, good.to_string().as_bytes());
    refused(&reply, 424, "Backend", &["no items are kept here"]);
    let reply = ask(&filled(), Fake::classifier(&["a"]), "POST", PATH, &good);
    refused(&reply, 424, "Backend", &["/v1/recommend needs an embedding model"]);
}
