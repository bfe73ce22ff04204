//! A vector pack among the component's files.

use std::{fs, path::Path};

use super::fixture::{Edge, good, scores};
use lockstep_edge_host::{PackSource, pack};
use lockstep_tests::places::tiny_model;
use lockstep_tests_spin::Settings;
use serde_json::{Value, json};

fn with(folder: &Path, path: &str) -> Edge {
    let variables = [("pack".to_owned(), path.to_owned())].into();
    Edge::start(Settings { variables, files: Some(folder.to_owned()), ..Settings::default() })
}

/// Writes a pack of the candidates of [`good`].
fn write(folder: &Path) {
    let candidates = good()["candidates"].as_array().unwrap().clone();
    let lines = folder.join("lines");
    fs::write(&lines, candidates.iter().map(|item| format!("{item}\n")).collect::<String>()).unwrap();
    pack(&tiny_model(), &PackSource::Lines(lines), &folder.join("items.lockpack")).unwrap();
}

/// The same request with ids alone.
fn by_ids() -> Value {
    let mut asked = good();
    for candidate in asked["candidates"].as_array_mut().unwrap() {
        candidate.as_object_mut().unwrap().remove("text");
    }
    asked
}

fn tokens(answer: &Value) -> u64 {
    answer["usage"]["tokens"].as_u64().unwrap()
}

#[test]
fn known_items_cost_nothing_and_score_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let plain = Edge::start(Settings::default());
    let fresh = plain.post("/v1/rank", &good()).json();
    let edge = with(folder.path(), "/items.lockpack");
    // The history's second text is no candidate; its first one is, so that the pack has it.
    let bread =
        json!({"user": {"history": [{"text": "good bread"}]}, "candidates": [{"id": "x", "text": "y"}]});
    let y = json!({"inputs": ["y"]});
    let only = tokens(&plain.post("/v1/rank", &bread).json());
    let y: u64 = plain.post("/embed", &y).header("x-compute-tokens").unwrap().parse().unwrap();
    for asked in [by_ids(), good()] {
        let answer = edge.post("/v1/rank", &asked);
        assert_eq!(answer.header("x-compute-tokens"), Some(&*(only - y).to_string()), "{}", answer.body);
        let answer = answer.json();
        assert_eq!(answer["items"], fresh["items"]);
        assert_eq!(scores(&answer)["items"], scores(&fresh)["items"]);
    }
    assert_eq!(edge.settings.store.records().len(), 0, "nothing is left to store");
    let refused = plain.post("/v1/rank", &by_ids());
    assert!(refused.status == 422 && refused.body.contains("candidates[0].text"), "{}", refused.body);
}

#[test]
fn a_pack_that_cannot_be_used_is_named_before_the_first_score() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let good = fs::read(folder.path().join("items.lockpack")).unwrap();
    let mut changed = good.clone();
    changed[20] ^= 1;
    fs::write(folder.path().join("changed"), changed).unwrap();
    fs::write(folder.path().join("short"), &good[..good.len() - 1]).unwrap();
    for (path, part) in
        [("/changed", "seal"), ("/short", "damaged vector pack"), ("/nothing", "pack: /nothing: ")]
    {
        let edge = with(folder.path(), path);
        for _ in 0..2 {
            let answer = edge.ask("GET", "/health", "");
            assert!(answer.status == 503 && answer.body.contains(part), "{path}: {}", answer.body);
        }
    }
}
