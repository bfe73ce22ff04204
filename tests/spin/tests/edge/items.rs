//! Vectors of items in the store: used, bounded, and deleted when their time is over.

use super::fixture::{Edge, good, scores};
use lockstep_tests_spin::Settings;
use serde_json::json;

/// Bytes of a record before its vector: the hour of writing, and whose it is.
const HEAD: usize = 36;

fn with(variables: &[(&str, &str)]) -> Edge {
    let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Edge::start(Settings { variables, ..Settings::default() })
}

fn items(edge: &Edge) -> Vec<(String, Vec<u8>)> {
    edge.settings.store.records().into_iter().collect()
}

/// The vectors without the hours in which they were written.
fn vectors(edge: &Edge) -> Vec<Vec<u8>> {
    items(edge).into_iter().map(|(_, record)| record[4..].to_vec()).collect()
}

#[test]
fn vectors_of_items_are_kept_and_used() {
    let edge = Edge::start(Settings::default());
    let first = scores(&edge.post("/v1/rank", &good()).json());
    let (kept, written) = (items(&edge), vectors(&edge));
    assert_eq!(kept.len(), 3, "a record a candidate, none for the history");
    assert!(kept.iter().all(|(key, _)| key.starts_with("item.")));
    assert_eq!(scores(&edge.post("/v1/rank", &good()).json()), first);

    // If the records were not used, exchanging the vectors of two would change nothing.
    let exchange = |hour: Option<[u8; 4]>| {
        for (to, from) in [(0, 1), (1, 0)] {
            let mut record = [&kept[to].1[..HEAD], &kept[from].1[HEAD..]].concat();
            if let Some(hour) = hour {
                record[..4].copy_from_slice(&hour);
            }
            edge.settings.store.set(kept[to].0.clone(), record).unwrap();
        }
    };
    exchange(None);
    assert_ne!(scores(&edge.post("/v1/rank", &good()).json())["items"], first["items"]);
    exchange(Some([0; 4]));
    assert_eq!(scores(&edge.post("/v1/rank", &good()).json()), first, "of 1970: too old");
    assert_eq!(vectors(&edge), written, "and are written anew");
    // As a whole, a record is that of another item.
    for (to, from) in [(0, 1), (1, 0)] {
        edge.settings.store.set(kept[to].0.clone(), kept[from].1.clone()).unwrap();
    }
    assert_eq!(scores(&edge.post("/v1/rank", &good()).json()), first);
    for (key, record) in &kept {
        edge.settings.store.set(key.clone(), record[1..].to_vec()).unwrap();
    }
    assert_eq!(scores(&edge.post("/v1/rank", &good()).json()), first, "spoiled records are no records");
    assert_eq!(vectors(&edge), written, "and are written anew");
}

#[test]
fn the_store_holds_as_many_vectors_as_it_may() {
    let expected = scores(&Edge::start(Settings::default()).post("/v1/rank", &good()).json());
    for (slots, held) in [("0", 0), ("1", 1)] {
        let edge = with(&[("item_slots", slots)]);
        for _ in 0..2 {
            assert_eq!(scores(&edge.post("/v1/rank", &good()).json()), expected);
        }
        assert_eq!(items(&edge).len(), held);
    }
    let wrong = with(&[("item_hours", "0")]).ask("GET", "/health", "");
    assert!(wrong.status == 503 && wrong.body.contains("item_hours"), "{}", wrong.body);
}

/// A request that writes vectors also looks at slots of others.
#[test]
fn a_vector_whose_time_is_over_is_deleted() {
    let edge = with(&[("item_slots", "8")]);
    let text = json!({"query": "bread", "texts": ["a red bicycle"]});
    assert_eq!(edge.post("/rerank", &text).status, 200);
    let (own, mut old) = items(&edge).remove(0);
    let recent = old.clone();
    old[..4].copy_from_slice(&[0; 4]);
    let others: Vec<String> = (0..8).map(|slot| format!("item.{slot}")).filter(|slot| *slot != own).collect();
    for other in &others {
        edge.settings.store.set(other.clone(), old.clone()).unwrap();
    }
    edge.settings.store.set(others[0].clone(), recent).unwrap();
    for _ in 0..60 {
        edge.settings.store.set(own.clone(), Vec::new()).unwrap();
        assert_eq!(edge.post("/rerank", &text).status, 200);
    }
    let mut left: Vec<String> = items(&edge).into_iter().map(|(key, _)| key).collect();
    left.retain(|key| *key != own);
    assert_eq!(left, [others[0].clone()], "only the recent one is left");
}
