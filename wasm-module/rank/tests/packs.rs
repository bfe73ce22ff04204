//! Candidates whose vectors a pack has: the scores of a request without a pack, for the history's
//! tokens alone.
#![allow(clippy::unwrap_used, missing_docs)]

mod fake;

use fake::{DIMENSIONS, Fake, read, refused, service};
use lockstep_pack::{Head, PackError, Plan, Writer};
use lockstep_rank::{Event, ModelInfo, Prompts, Reply, Service, Text, TextEncoder, origin};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The vectors of items, as a daemon with this model would pack them.
fn pack(model: Fake, items: &[(&str, &str)], base: u64, removed: &[&str]) -> Vec<u8> {
    let origin = origin(model.info()).unwrap();
    let (items_count, removed_count) = (items.len(), removed.len());
    let (series, sequence) = ([1; 16], base + 5);
    let head = Head { origin, items: items_count, removed: removed_count, series, sequence, base };
    let id_bytes = items.iter().map(|(id, _)| id.len()).sum();
    let removed_bytes = removed.iter().map(|id| id.len()).sum();
    let mut writer = Writer::new(Vec::new(), &Plan { head, id_bytes, removed_bytes }).unwrap();
    let mut items = items.to_vec();
    items.sort_unstable();
    let prompt = model.info().prompts.document().to_owned();
    let mut model = model;
    for (id, text) in items {
        let encoded = model.encode(&[Text::single(&format!("{prompt}{text}"))]).unwrap();
        let compact = lockstep_arith::item::compact(&encoded[0].vector);
        writer.item(id, &Sha256::digest(text).into(), &compact).unwrap();
    }
    removed.iter().for_each(|id| writer.removed(id).unwrap());
    writer.finish().unwrap().1
}

fn ask(service: &mut Service<Fake>, request: &Value) -> Reply {
    service.handle("POST", "/v1/rank", request.to_string().as_bytes())
}

/// A request whose candidates have texts or not.
fn request(history: &[&str], candidates: &[(&str, Option<&str>)]) -> Value {
    let entry = |text: &&str| json!({ "text": text });
    let candidate = |(id, text): &(&str, Option<&str>)| match text {
        Some(text) => json!({ "id": id, "text": text }),
        None => json!({ "id": id }),
    };
    json!({
        "user": { "history": history.iter().map(entry).collect::<Vec<_>>() },
        "candidates": candidates.iter().map(candidate).collect::<Vec<_>>(),
        "explain": true, "diversity": 0.25,
    })
}

const ITEMS: [(&str, &str); 3] = [("hat", "red hat"), ("tea", "green tea"), ("日本/é", "red shoes")];

#[test]
fn a_known_candidate_costs_nothing_and_scores_the_same_bits() {
    let all: Vec<(&str, Option<&str>)> = ITEMS.iter().map(|&(id, text)| (id, Some(text))).collect();
    let fresh = read(&ask(&mut service(Fake::embedding()), &request(&["red", "tea pot"], &all)));

    let mut packed = service(Fake::embedding());
    let head = packed.load_pack(pack(Fake::embedding(), &ITEMS, 0, &[])).unwrap();
    assert_eq!((head.items, head.sequence), (3, 5));
    let ids = ITEMS.map(|(id, _)| (id, None));
    let other_ids = ITEMS.map(|(_, text)| (text, Some(text)));
    for (candidates, same_ids) in [(&ids, true), (&other_ids, false)] {
        let mut answer = read(&ask(&mut packed, &request(&["red", "tea pot"], candidates)));
        // "red" is 3 tokens, "tea pot" is 4.
        assert_eq!(answer["usage"]["tokens"], 7);
        answer["usage"] = fresh["usage"].clone();
        if same_ids {
            assert_eq!(answer, fresh);
        } else {
            let scores = |answer: &Value| -> Vec<Value> {
                let items = answer["items"].as_array().unwrap();
                items.iter().map(|item| json!([item["index"], item["score"], item["because"]])).collect()
            };
            assert_eq!(scores(&answer), scores(&fresh));
        }
    }
    assert_eq!(packed.encoder().calls, [2, 2]);
}

#[test]
fn a_text_is_preferred_to_an_id_and_the_rest_is_encoded() {
    let mut packed = service(Fake::embedding());
    packed.load_pack(pack(Fake::embedding(), &ITEMS, 0, &[])).unwrap();
    let candidates = [("hat", Some("one two three four five six seven eight nine ten")), ("tea", None)];
    let answer = read(&ask(&mut packed, &request(&["green tea", "x"], &candidates)));
    // The history's "green tea" is known as well. The texts are "x" and the one that is cut.
    assert_eq!(answer["usage"]["tokens"], 3 + 10);
    assert_eq!(answer["truncated"], json!({ "history": [], "candidates": [0] }));
    assert_eq!(answer["items"][0]["id"], "tea");
    assert_eq!(packed.encoder().calls, [2]);
}

#[test]
fn hosts_count_and_store_the_unknown_texts_alone() {
    let mut packed = service(Fake::embedding());
    packed.load_pack(pack(Fake::embedding(), &ITEMS, 0, &[])).unwrap();
    let body = request(&["red"], &[("hat", None), ("new", Some("new text"))]);
    let mut body: Value = body;
    body["user"] = json!({ "id": "mira" });
    let mut job = packed.read("POST", "/v1/rank", body.to_string().as_bytes()).unwrap();
    assert_eq!(job.items(), ["new text"]);
    let events = ["red", "red hat"].map(|text| Event { text: text.to_owned(), weight: 1.0 });
    job.set_history(events.to_vec()).unwrap();
    assert_eq!(job.inputs(), ["red", "new text"].map(Text::single));
    assert_eq!(packed.run(&job).status, 200);
}

#[test]
fn a_text_of_the_history_is_known_if_both_prompts_are_the_same() {
    let prompted = |query: &str| {
        let texts = [("query", query), ("document", "d: ")];
        let texts = texts.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
        Fake::prompted(Prompts { texts, default: None })
    };
    for (query, calls) in [("q: ", &[1][..]), ("d: ", &[0][..])] {
        let asked = request(&["red hat"], &[("hat", None), ("tea", Some("green tea"))]);
        let mut packed = service(prompted(query));
        packed.load_pack(pack(prompted(query), &ITEMS, 0, &[])).unwrap();
        let answer = read(&ask(&mut packed, &asked));
        assert_eq!(packed.encoder().calls, calls);
        let asked = request(&["red hat"], &[("hat", Some("red hat")), ("tea", Some("green tea"))]);
        let fresh = read(&ask(&mut service(prompted(query)), &asked));
        assert_eq!(answer["items"], fresh["items"]);
    }
}

#[test]
fn an_id_that_no_pack_has_is_refused() {
    let ids = request(&["red"], &[("hat", None), ("cap", None)]);
    let none = ask(&mut service(Fake::embedding()), &ids);
    refused(&none, 422, "Validation", &["candidates[0].text: this field is missing"]);
    let mut packed = service(Fake::embedding());
    packed.load_pack(pack(Fake::embedding(), &ITEMS, 0, &[])).unwrap();
    let parts = ["candidates[1].text: ", "vector packs have no item \"cap\""];
    refused(&ask(&mut packed, &ids), 422, "Validation", &parts);
    let null =
        json!({ "user": { "history": [{ "text": "x" }] }, "candidates": [{ "id": "hat", "text": null }] });
    refused(&ask(&mut packed, &null), 422, "Validation", &["expected a string, got null"]);

    packed.load_pack(pack(Fake::embedding(), &[("cap", "cap")], 5, &["hat"])).unwrap();
    refused(&ask(&mut packed, &ids), 422, "Validation", &["no item \"hat\""]);
    let cap = request(&["red"], &[("cap", None)]);
    assert_eq!(ask(&mut packed, &cap).status, 200);
    let error = packed.load_pack(pack(Fake::embedding(), &[], 5, &[])).unwrap_err();
    assert!(matches!(error, PackError::OtherBase(_)), "{error}");
}

#[test]
fn a_pack_of_another_model_is_refused() {
    let file = pack(Fake::embedding(), &ITEMS, 0, &[]);
    let load = |model: Fake| service(model).load_pack(file.clone()).unwrap_err();
    assert!(matches!(load(Fake::other_model()), PackError::OtherModel(_)));
    let prompts =
        |text: &str| Prompts { texts: [("x".into(), text.into())].into(), default: Some("x".into()) };
    assert!(matches!(load(Fake::prompted(prompts("p: "))), PackError::OtherSpace(_)));
    let error = load(Fake::classifier(&["a", "b"])).to_string();
    assert!(error.starts_with("fake/words is a classifier"), "{error}");
    let info = |model: Fake| -> ModelInfo { model.info().clone() };
    assert_eq!(origin(&info(Fake::embedding())).unwrap().width, DIMENSIONS);
    assert_eq!(origin(&info(Fake::classifier(&["a"]))), None);
}

proptest! {
    #[test]
    fn packs_never_change_a_score(
        texts in prop::collection::vec("[a-c]( [a-c]){0,3}", 1..8),
        history in prop::collection::vec("[a-c]( [a-c]){0,3}", 1..4),
        with_text in prop::collection::vec(any::<bool>(), 8),
    ) {
        let ids: Vec<String> = (0..texts.len()).map(|n| n.to_string()).collect();
        let items: Vec<(&str, &str)> = ids.iter().zip(&texts).map(|(id, text)| (&**id, &**text)).collect();
        let history: Vec<&str> = history.iter().map(|text| &**text).collect();
        let given = |with_text: &[bool]| -> Vec<(&str, Option<&str>)> {
            items.iter().zip(with_text).map(|(&(id, text), &with)| (id, with.then_some(text))).collect()
        };
        let fresh = read(&ask(&mut service(Fake::embedding()), &request(&history, &given(&[true; 8]))));
        let mut packed = service(Fake::embedding());
        packed.load_pack(pack(Fake::embedding(), &items, 0, &[])).unwrap();
        let answer = read(&ask(&mut packed, &request(&history, &given(&with_text))));
        prop_assert_eq!(&answer["items"], &fresh["items"]);
    }
}
